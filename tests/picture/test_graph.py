"""Pictures of journeys: all of them is there, nothing runs through anything else, no text leaves its box."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

from idic.journey.program.phrases import events
from idic.journey.program.program import Program
from idic.journey.program.steps import Wait, WaitFor
from idic.journey.program.values import DONE, Pattern
from idic.journeys_folder import compile_folder
from idic.picture.cards import Card
from idic.picture.describe import entry, ways
from idic.picture.layout import At, Drawing, Frame, lay_out
from idic.picture.layout import Path as Line
from idic.picture.mermaid import mermaid
from idic.picture.nested_steps import nested_flow
from idic.picture.svg import svg
from idic.picture.text_width import width, wrap
from tests.picture.picture_programs import DAY, every_kind, long, nested, out, program, to

EXAMPLES = compile_folder(Path(__file__).parents[2] / "journeys").programs
PROGRAMS = {**EXAMPLES, "every_kind": every_kind(), "long": long(), "nested": nested()}
each = pytest.mark.parametrize("looked_at", PROGRAMS.values(), ids=PROGRAMS)


def boxes(drawing: Drawing) -> list[tuple[float, float, float, float]]:
    return [(one.x, one.y, one.x + one.what.w, one.y + one.what.h) for one in drawing.shapes if isinstance(one, At)]


@each
def test_nothing_lies_over_anything_else(looked_at: Program) -> None:
    drawing = lay_out(looked_at)
    placed = boxes(drawing)
    for one, other in combinations(placed, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)
    for line in drawing.shapes:
        if not isinstance(line, Line):
            continue
        for (ax, ay), (bx, by) in zip(line.points, line.points[1:], strict=False):
            assert ax == bx or ay == by
            for left, top, right, bottom in placed:
                through = max(ax, bx) > left + 0.01 and min(ax, bx) < right - 0.01
                assert not (through and max(ay, by) > top + 0.01 and min(ay, by) < bottom - 0.01), (line, left, top)
    assert min(left for left, *_ in placed) >= 0
    assert max(right for *_, right, _ in placed) <= drawing.width
    assert max(bottom for *_, bottom in placed) <= drawing.height


@each
def test_every_step_stands_in_the_picture_once_and_its_text_in_its_box(looked_at: Program) -> None:
    drawing = lay_out(looked_at)
    cards = [one.what for one in drawing.shapes if isinstance(one, At) and isinstance(one.what, Card)]
    named = [card.name for card in cards if card.name in looked_at.steps]
    assert sorted(named) == sorted(looked_at.steps)
    for one in drawing.shapes:
        if isinstance(one, At):
            for line in one.what.lines:
                assert width(line.text, line.size, line.bold) <= one.what.w
                assert line.y < one.what.h


@each
def test_the_picture_is_one_document_that_says_what_it_shows(looked_at: Program) -> None:
    drawn = svg(looked_at)
    root = ElementTree.fromstring(drawn)
    assert root.attrib["role"] == "img"
    told = {child.tag.rpartition("}")[2]: child.text or "" for child in root}
    assert told["title"] == looked_at.title
    assert all(f"{name}: " in told["desc"] for name in looked_at.steps)
    assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "")


def test_a_repeat_is_a_frame_round_its_steps() -> None:
    frames = [one for one in lay_out(nested()).shapes if isinstance(one, Frame)]
    outer, inner = sorted(frames, key=lambda frame: -frame.h)
    assert outer.x < inner.x
    assert outer.x + outer.w > inner.x + inner.w
    assert outer.y + outer.h > inner.y + inner.h


def test_branches_meet_where_the_author_lets_them() -> None:
    flow = nested_flow(EXAMPLES["abandoned_cart"]).flow
    assert [one.step.id for one in flow] == ["cool_off", "nudge", "reaction", "last_word"]  # type: ignore[union-attr]
    reaction = flow[2]
    assert reaction.exits == ((("Cart Updated",), "shopping_again"),)  # type: ignore[union-attr]
    assert [branch.labels for branch in reaction.branches] == [("Link Clicked of nudge",), ("otherwise",)]  # type: ignore[union-attr]


def test_a_program_that_nobody_wrote_is_drawn_all_the_same() -> None:
    crossed = program(
        WaitFor(id="a", arms=({"pattern": Pattern(on="X"), "then": to("b")},), within=DAY, otherwise=to("c")),
        WaitFor(id="b", arms=({"pattern": Pattern(on="X"), "then": to("d")},), within=DAY, otherwise=out("gone")),
        WaitFor(id="c", arms=({"pattern": Pattern(on="X"), "then": to("d")},), within=DAY, otherwise=to("e")),
        Wait(id="d", duration=DAY, then=to("a")),
        Wait(id="e", duration=DAY, then=DONE),
    )
    assert "on at a" in svg(crossed)


def test_steps_are_told_in_the_words_of_the_file() -> None:
    cart, all_kinds = EXAMPLES["abandoned_cart"], every_kind()
    assert cart.steps["cool_off"].describe() == ("wait 4 hours without Cart Updated", ("as cart",))
    assert cart.steps["nudge"].describe()[0].replace("\xa0", " ") == "best of email, web, SMS · cart_reminder"
    assert entry(cart.entry, cart.zone) == (
        "Cart Updated", ("if event.total >= 30", "one at a time for each cart_id", "again: after 14 days"),
    )  # fmt: skip
    assert all_kinds.steps["morning"].describe()[0] == "wait until 09:00 on weekdays"
    assert all_kinds.steps["soon"].describe()[0] == "wait until 3 days before entry.starts_at at 09:00"
    assert all_kinds.steps["ask"].describe() == ("call stock", ("sku = entry.sku", "within 10 minutes", "as stock"))
    assert [way.labels for way in ways(all_kinds.steps["test"])] == [("plain · 20 %",), ("offer · 50 %",), ("nothing · 30 %",)]
    assert events(all_kinds.leave) == "Cart Emptied, or Order Returned if event.order_id == entry.order_id"


def test_mermaid_reads_none_of_the_authors_signs_as_its_own() -> None:
    drawn = mermaid(every_kind())
    assert "<b>& more" not in drawn
    assert "#60;b#62;#38; more#60;/b#62;" in drawn
    for line in drawn.splitlines():
        assert line.count('"') in (0, 2), line
    for name in every_kind().steps:
        assert re.search(rf"\bs_{name}[\[({{]", drawn)
    assert "s_rest -.-> s_rounds" in drawn


def test_long_words_break_where_they_can_and_nothing_is_wider_than_its_room() -> None:
    assert wrap("customer.a_long_attribute == 1", 100, 12) == ["customer.a_", "long_attribute", "== 1"]
    assert wrap("", 100, 12) == []
    cut = wrap("one two three four five six seven eight", 60, 12, most=2)
    assert len(cut) == 2
    assert cut[1].endswith("…")
    assert width(cut[1], 12) <= 60
