"""The table of template filters: every row works in the check and in rendering."""

from __future__ import annotations

import pytest

from idic.customize.liquid.filters import FILTERS
from idic.customize.templates import check, render
from idic.journey.program.values import Attribute, Type
from idic.journey.vocabulary.types import TEXT

TYPES = {
    "text": TEXT,
    "number": Type(kind="number"),
    "list": Type(kind="list", of=TEXT),
    "date": Type(kind="date"),
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_missing_value_stays_missing_through_every_filter_but_default(name: str) -> None:
    kind = next((kind for kind in TYPES if kind in FILTERS[name].takes), "text")
    argument = ": 'x'" if FILTERS[name].arguments[0] else ""
    source = f"{{{{ value | {name}{argument} | default: 'nothing' }}}}"
    attribute = Attribute(type=TYPES[kind])
    if not FILTERS[name].names_field and kind == "text":
        assert not check(source, {"value": attribute}, {}).problems
    assert render(source, {"value": None}, {}) == ("x" if name == "default" else "nothing")


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_takes_as_many_arguments_as_its_row_says(name: str) -> None:
    most = FILTERS[name].arguments[1]
    source = "{{ value | " + name + ": " + ", ".join(["'x'"] * (most + 1)) + " }}"
    [problem] = check(source, {"value": Attribute(type=TEXT, required=True)}, {}).problems
    assert f"{name} takes " in problem.message
