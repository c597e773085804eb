"""What a kind of step is: one row of ``STEP_KINDS``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from idic.journey.program.steps.step import Step

S = TypeVar("S", bound=Step)


class Look(NamedTuple):
    """How a step is drawn: ``icon`` as SVG on a square of 16, ``colors`` strong and light."""

    icon: str
    colors: tuple[str, str]


class StepKind(Generic[S]):
    """One row of ``STEP_KINDS``. Each kind has a subclass in a file of its own."""

    keyword: ClassVar[str]
    """The key in the YAML, and ``kind`` in stored programs."""
    step: ClassVar[type[Any]]
    """The class of its steps in a program."""
    summary: ClassVar[str]
    """What it does, in a few words, for lists of the language."""
    other_names: ClassVar[Mapping[str, str]] = {}
    """What authors call it, each with what to write instead."""
    icon: ClassVar[str] = ""
    colors: ClassVar[tuple[str, str]] = ("#475569", "#f8fafc")
    mermaid_box: ClassVar[tuple[str, str]] = ('["', '"]')

    def looks(self) -> dict[str, Look]:
        """How its steps are drawn, by the name of the look."""
        return {self.keyword: Look(self.icon, self.colors)}
