"""The protocol of a template checker, which is handed to the compiler: journeys know no template language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from idic.journey.channels.channel import TemplateForm
from idic.journey.program.values import Attribute


class TemplateProblem(Protocol):
    """``line`` and ``column`` from 1, in the source, or in that of ``block`` where one is named; ``mild`` is a warning."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...
    @property
    def message(self) -> str: ...
    @property
    def block(self) -> str | None: ...
    @property
    def mild(self) -> bool: ...


class Checked(Protocol):
    @property
    def reads(self) -> dict[str, Attribute]: ...
    @property
    def problems(self) -> Iterable[TemplateProblem]: ...


class ContentChecker(Protocol):
    """Checks one template: ``names`` are all dotted names it may use, ``blocks`` the sources that it may render, ``form``
    what it is to become."""

    def __call__(
        self, source: str, names: Mapping[str, Attribute], blocks: Mapping[str, str], form: TemplateForm = "text", /
    ) -> Checked: ...
