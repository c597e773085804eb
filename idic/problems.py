"""Problems in a text that somebody wrote: where, what, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]


class Mark(NamedTuple):
    """A place in a file: a stretch of one line. ``line`` and ``column`` count from 1; ``length`` is in characters."""

    file: str
    line: int
    column: int
    length: int = 1


class Problem(NamedTuple):
    """An error or a warning at a place of a file.

    ``excerpt`` is the line and, below it, carets under the place, both without extra indentation. ``more`` counts further
    places where the same name is wrong.
    """

    severity: Severity
    file: str
    line: int
    column: int
    message: str
    hint: str | None = None
    excerpt: str = ""
    more: int = 0

    @property
    def text(self) -> str:
        """The message, the hint, and the number of further places."""
        hint = f"; {self.hint}" if self.hint else ""
        more = f" (and {self.more} more place{'' if self.more == 1 else 's'})" if self.more else ""
        return f"{self.message}{hint}{more}"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.severity}: {self.text}"


class Problems:
    """Collects the problems of several texts (file name → text)."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._lines: dict[str, list[str]] = {}
        self._entries: list[tuple[Problem, tuple[str, str] | None]] = []
        self._misread: set[tuple[str, int, int]] = set()

    def misread(self, at: Mark, message: str, hint: str | None = None) -> None:
        """Add an error where YAML reads the value that begins here differently from what its author meant.

        Later problems at the same place are dropped, since they would be about the misread value.
        """
        self._add("error", at, message, hint, None)
        self._misread.add((at.file, at.line, at.column))

    def error(self, at: Mark, message: str, hint: str | None = None, *, about: tuple[str, str] | None = None) -> None:
        """Add an error. Further errors with the same ``about``, such as ``("customer", "fist_name")``, are counted and not
        repeated."""
        self._add("error", at, message, hint, about)

    def warning(self, at: Mark, message: str, hint: str | None = None, *, about: tuple[str, str] | None = None) -> None:
        """Add a warning. Further warnings with the same ``about`` are counted and not repeated."""
        self._add("warning", at, message, hint, about)

    @property
    def failed(self) -> bool:
        """Whether there is an error."""
        return any(problem.severity == "error" for problem, _ in self._entries)

    def all(self) -> tuple[Problem, ...]:
        """All problems, sorted by file (errors first) and place. Those with the same ``about`` are merged into one."""
        ordered = sorted(self._entries, key=lambda entry: _order(entry[0]))
        merged: dict[object, Problem] = {}
        for problem, about in ordered:
            identity: object = ("about", problem.severity, about) if about else problem
            if identity in merged and about:
                merged[identity] = merged[identity]._replace(more=merged[identity].more + 1)
            else:
                merged[identity] = problem
        return tuple(merged.values())

    def _add(self, severity: Severity, at: Mark, message: str, hint: str | None, about: tuple[str, str] | None) -> None:
        if (at.file, at.line, at.column) in self._misread:
            return
        excerpt = self._excerpt(at)
        self._entries.append((Problem(severity, at.file, at.line, at.column, message, hint, excerpt), about))

    def _excerpt(self, at: Mark) -> str:
        if at.file not in self._lines:
            self._lines[at.file] = self._texts.get(at.file, "").removeprefix("\ufeff").splitlines()
        lines = self._lines[at.file]
        if not 1 <= at.line <= len(lines):
            return ""
        line = lines[at.line - 1]
        # Repeat the line's tabs before the carets, so that they line up on any terminal.
        lead = "".join("\t" if character == "\t" else " " for character in line[: at.column - 1])
        room = max(1, min(at.length, len(line) - at.column + 1))
        return f"{line}\n{lead}{'^' * room}"


def did_you_mean(wrong: str, known: Iterable[str]) -> str | None:
    """A hint that names the most similar of the known names, or None."""
    name = nearest(wrong, known)
    return f'did you mean "{name}"?' if name is not None else None


def nearest(wrong: str, known: Iterable[str]) -> str | None:
    """The most similar of the known names, or None."""
    names = {name.lower(): name for name in known}
    close = get_close_matches(wrong.lower(), names, n=1, cutoff=0.6)
    return names[close[0]] if close else None


def one_of(names: Iterable[str], joined: str = "or") -> str:
    """Join names as in ``a, b or c``."""
    *most, last = list(names) or [""]
    return f"{', '.join(most)} {joined} {last}" if most else last


def _order(problem: Problem) -> tuple[object, ...]:
    return problem.file, problem.severity, problem.line, problem.column, problem.message
