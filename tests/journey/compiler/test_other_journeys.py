"""Journeys that enter each other, also if only one file is checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from idic.customize.templates import check
from idic.journey.compiler.compile import Compilation, compile_journeys
from idic.journey.compiler.compile_templates import Templates
from idic.journey.program.steps import Enter
from idic.journeys_folder import compile_folder
from tests.journey.read_fixtures import VOCABULARY

BOOKED = """\
journey: booked
purpose: service
identify: {on: Course Booked, key: event.course_id}
interact: [{id: pause, wait: 1 day}]
"""


def first(step: str, on: str = "Signed Up", name: str = "first") -> str:
    return f"journey: {name}\npurpose: service\nidentify: {{on: {on}}}\ninteract:\n  - {step}\n"


def compiled(texts: Mapping[str, str]) -> Compilation:
    return compile_journeys(texts, ("vocabulary.yaml", VOCABULARY), Templates(), check)


def messages(step: str, on: str = "Signed Up") -> list[str]:
    problems = compiled({"first.yaml": first(step, on), "booked.yaml": BOOKED}).problems
    assert {problem.file for problem in problems} <= {"first.yaml"}
    return [problem.text for problem in problems]


def test_enter_passes_the_values_that_the_journey_needs() -> None:
    step = "{id: go, enter: booked, with: {course_id: '\"c1\"', starts_at: '\"2026-12-01 09:00\"', seats: customer.points}}"
    entering = compiled({"first.yaml": first(step), "booked.yaml": BOOKED}).programs["first"].steps["go"]
    assert isinstance(entering, Enter)
    assert entering.given is not None
    assert [(value.name, value.type.kind) for value in entering.given] == [
        ("course_id", "text"), ("starts_at", "moment"), ("seats", "number"),
    ]  # fmt: skip


def test_without_with_a_journey_passes_on_its_entry_values() -> None:
    entering = compiled({"first.yaml": first("{id: go, enter: booked}", "Course Booked"), "booked.yaml": BOOKED})
    assert not entering.problems
    step = entering.programs["first"].steps["go"]
    assert isinstance(step, Enter)
    assert step.given is None


def test_missing_values_for_another_journey_are_reported() -> None:
    course, starts = (f'step "go": journey "booked" needs {name}' for name in ("course_id (text)", "starts_at (a moment)"))
    assert messages("{id: go, enter: booked}") == [
        f"{course}, and this one may be entered without; write with: {{course_id: …}}",
        f"{starts}, and this one may be entered without; write with: {{starts_at: …}}",
    ]
    assert messages("{id: go, enter: booked, with: {seats: entry.brews, place: '\"Rome\"'}}") == [
        f"{course}; write with: {{course_id: …}}",
        f"{starts}; write with: {{starts_at: …}}",
        'step "go": seats is a number, and entry.brews is one of espresso, filter',
        'step "go": journey "booked" takes no place; it takes course_id, starts_at and seats',
    ]


def test_a_missing_journey_cannot_be_entered() -> None:
    assert messages("{id: go, enter: boked}") == ['journey "boked" does not exist; did you mean "booked"?']
    wrong = compiled({"first.yaml": first("{id: go, enter: booked}"), "booked.yaml": f"{BOOKED}  - [\n"})
    assert {problem.file for problem in wrong.problems} == {
        "booked.yaml"
    }  # it exists, and its problem is reported in its own file


def test_journeys_that_enter_each_other_in_a_circle_are_refused() -> None:
    ring = {f"{a}.yaml": first(f"{{id: go, enter: {b}}}", name=a) for a, b in (("a", "b"), ("b", "c"), ("c", "a"))}
    aside = {"d.yaml": first("{id: go, enter: a}", name="d")}
    problems = compiled({**ring, **aside}).problems
    assert [(problem.file, problem.text) for problem in problems] == [
        (
            f"{a}.yaml",
            f'step "go": journeys enter each other in a circle: {around}; take one of these steps out; '
            "otherwise the journeys never end",
        )
        for a, around in (("a", "a → b → c → a"), ("b", "b → c → a → b"), ("c", "c → a → b → c"))
    ]


def test_a_journey_entered_by_the_clock_can_be_entered_without_values() -> None:
    daily = "journey: booked\npurpose: service\nidentify: {every: day at 06:00}\ninteract: [{id: pause, wait: 1 day}]\n"
    assert not compiled({"first.yaml": first("{id: go, enter: booked}"), "booked.yaml": daily}).problems
    wrong = compiled({"first.yaml": first("{id: go, enter: booked, with: {a: 1}}"), "booked.yaml": daily}).problems
    assert [problem.text for problem in wrong] == ['step "go": journey "booked" takes no a; take it out']


def test_checking_one_file_knows_the_other_journeys(tmp_path: Path) -> None:
    (tmp_path / "vocabulary.yaml").write_text(VOCABULARY)
    (tmp_path / "first.yaml").write_text(first("{id: go, enter: booked}", "Course Booked"))
    (tmp_path / "booked.yaml").write_text(BOOKED)
    (tmp_path / "broken.yaml").write_text("journey: broken\nidentify: {on: Nothing Known}\ninteract: []\n")
    alone = compile_folder(tmp_path, only=tmp_path / "first.yaml")
    assert (list(alone.programs), alone.problems) == (["first"], ())
    (tmp_path / "first.yaml").write_text(first("{id: go, enter: boked}"))
    assert [problem.text for problem in compile_folder(tmp_path, only=tmp_path / "first.yaml").problems] == [
        'journey "boked" does not exist; did you mean "booked"?'
    ]
