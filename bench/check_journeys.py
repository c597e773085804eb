"""Measure how many journeys a second are checked, after start-up: `python -m bench.check_journeys`.

In two ways: the texts alone, with every name, type, template and path; and a folder as `idic check` does it, which also
composes every message.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from idic.customize.templates import check
from idic.journey.compiler.compile import Compilation, compile_journeys
from idic.journeys_folder import compile_folder, read_templates

JOURNEYS = Path(__file__).resolve().parents[1] / "journeys"
_NAMES = ("abandoned_cart", "welcome", "after_purchase", "win_back")


class Checked(NamedTuple):
    """``seconds`` is processor time, which other processes don't lengthen."""

    journeys: int
    seconds: float

    @property
    def a_second(self) -> float:
        """Journeys checked in a second of processor time."""
        return self.journeys / self.seconds


def checked(journeys: int = 200) -> Checked:
    """Check so many journeys like the examples, each with a name of its own."""
    vocabulary = ("vocabulary.yaml", (JOURNEYS / "vocabulary.yaml").read_text())
    templates = read_templates(JOURNEYS / "templates")

    def compiled(texts: dict[str, str]) -> Compilation:
        return compile_journeys(texts, vocabulary, templates, check)

    compiled(_texts(1))
    texts = _texts(journeys)
    return _timed(journeys, lambda: compiled(texts))


def folder_checked(journeys: int = 200) -> Checked:
    """Check a folder of so many journey files, with the examples' templates."""
    compile_folder(JOURNEYS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(JOURNEYS / "templates", folder / "templates")
        shutil.copy(JOURNEYS / "vocabulary.yaml", folder)
        for file, text in _texts(journeys).items():
            (folder / file).write_text(text)
        return _timed(journeys, lambda: compile_folder(folder))


def _texts(journeys: int) -> dict[str, str]:
    """Journey files by name: the examples in turn, none of the same name."""
    texts = {name: (JOURNEYS / f"{name}.yaml").read_text() for name in _NAMES}
    return {
        f"{name}_{n}.yaml": texts[name].replace(f"journey: {name}", f"journey: {name}_{n}", 1)
        for n, name in enumerate(islice(cycle(_NAMES), journeys))
    }


def _timed(journeys: int, compiled: Callable[[], Compilation]) -> Checked:
    began = time.process_time()
    compilation = compiled()
    seconds = time.process_time() - began
    if len(compilation.programs) != journeys:
        raise RuntimeError(f"of {journeys} journeys {len(compilation.programs)} compile")
    return Checked(journeys, seconds)


if __name__ == "__main__":
    for what, measured in (("texts", checked()), ("a folder", folder_checked())):
        Console().print(f"{what}: {measured.a_second:.0f} journeys a second, {100 / measured.a_second:.2f} s a hundred")
