"""How many journeys a second are checked: with every name, type, template and path, after start-up."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from idic.authoring import read_templates
from idic.customize.templates import check
from idic.journey.compiler import compile_journeys

JOURNEYS = Path(__file__).resolve().parents[1] / "journeys"
_NAME = "abandoned_cart"


class Checked(NamedTuple):
    """``seconds`` is the processor's time, which another process does not lengthen."""

    journeys: int
    seconds: float

    @property
    def a_second(self) -> float:
        return self.journeys / self.seconds


def checked(journeys: int = 200) -> Checked:
    """Check that many journeys like the abandoned cart of the examples, each by a name of its own."""
    text = (JOURNEYS / f"{_NAME}.yaml").read_text()
    vocabulary = ("vocabulary.yaml", (JOURNEYS / "vocabulary.yaml").read_text())
    templates = read_templates(JOURNEYS / "templates")

    def compiled(count: int) -> int:
        texts = {f"cart_{n}.yaml": text.replace(f"journey: {_NAME}", f"journey: cart_{n}", 1) for n in range(count)}
        return len(compile_journeys(texts, vocabulary, templates, check).programs)

    compiled(1)
    began = time.process_time()
    found = compiled(journeys)
    seconds = time.process_time() - began
    if found != journeys:
        raise RuntimeError(f"of {journeys} journeys {found} compile")
    return Checked(journeys, seconds)

