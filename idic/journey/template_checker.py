"""The interface of a template checker, which the compiler is handed.

So ``idic.journey`` depends on no template language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from idic.journey.channels.channel import TemplateForm
from idic.journey.program.values import Attribute


class TemplateProblem(Protocol):
    """A problem in a template.

    ``line`` and ``column`` count from 1, in the source, or in that of ``block`` where it names one. ``mild`` marks a
    warning.
    """

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


class CheckResult(Protocol):
    """What checking a template found: the names it ``reads``, and its ``problems``."""

    @property
    def reads(self) -> dict[str, Attribute]: ...
    @property
    def problems(self) -> Iterable[TemplateProblem]: ...


class ContentChecker(Protocol):
    """Checks one template.

    ``names`` are all dotted names that it may use, ``blocks`` the sources that it may render, ``form`` what it will become.
    """

    def __call__(
        self, source: str, names: Mapping[str, Attribute], blocks: Mapping[str, str], form: TemplateForm = "text", /
    ) -> CheckResult: ...
