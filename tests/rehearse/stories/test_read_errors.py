"""Mistakes in a file of stories lead to messages, never to a traceback; a valid file can be played."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idic.journeys_folder import compile_folder
from idic.problems import Problems
from idic.rehearse.stories.play import play_story
from idic.rehearse.stories.read_stories import read_stories
from idic.rehearse.stories.storybook import reachable_programs

FOLDER = Path(__file__).parent / "fixtures"
COMPILATION = compile_folder(FOLDER)
TEXTS = {path.name: path.read_text() for path in sorted(FOLDER.glob("*.stories.yaml")) if path.stat().st_size < 3000}
ODD = (
    "", "[]", "{}", "yes", "3", "{a: b}", "[x, y]", "-1 days", "25:00", "2026-13-40 99:99", "~", "''", "nothing", "missing",
    "{sent: {by: x}}", "[[[]]]", "anna", "9" * 400, "2026-03-29 02:30", "1e999", "0 hours", "UTC", "{best: {time: {}}}",
)  # fmt: skip


@st.composite
def slipped(draw: st.DrawFn) -> str:
    """Stories with a few values replaced, lines lost, doubled or moved."""
    lines = TEXTS[draw(st.sampled_from(sorted(TEXTS)))].splitlines()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(("value", "lose", "double", "move", "word"))):
            case "value":
                name, colon, _ = lines[at].rpartition(": ")
                lines[at] = f"{name}{colon}{draw(st.sampled_from(ODD))}"
            case "lose" if len(lines) > 1:
                del lines[at]
            case "double":
                lines.insert(at, lines[draw(st.integers(0, len(lines) - 1))])
            case "move":
                lines[at] = " " * draw(st.integers(0, 12)) + lines[at].lstrip()
            case _:
                words = lines[at].split(" ")
                words[draw(st.integers(0, len(words) - 1))] = draw(
                    st.sampled_from((*ODD, "event:", "expect:", "after:", "who:"))
                )
                lines[at] = " ".join(words)
    return "\n".join(lines) + "\n"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(slipped())
def test_slips_are_told_and_nothing_breaks(text: str) -> None:
    problems = Problems({"x.stories.yaml": text})
    book = read_stories("x.stories.yaml", text, COMPILATION, problems)
    for problem in problems.all():
        assert problem.message
        assert problem.line >= 1
    if book is None or problems.failed:
        return
    for story in book.stories:
        told = play_story(book, story, reachable_programs(COMPILATION.programs, book.journey))
        assert all(failure.text for failure in told.failures)
