"""What rendering a template may take, counted in steps and characters: no template runs for ever or fills the memory, whoever
wrote it and whatever a customer is called. Steps are counted and not seconds, so that what renders once renders always."""

from __future__ import annotations

from collections.abc import Callable

from liquid.exceptions import FilterArgumentError, ResourceLimitError

MOST = 500_000
"""Steps of one rendering, each about a microsecond: a hundred times what the largest mail takes."""
LONGEST = 1_000_000
"""Characters that a filter may make, and entries of a list."""

_TEXT = 20
"""Characters that a filter goes through in a step."""
_RENDER = 50


class Effort:
    """How much one rendering has taken so far."""

    def __init__(self) -> None:
        self._steps = 0

    def loop(self, rounds: int, nodes: int) -> None:
        """A loop begins over so many nodes. Raises ``ResourceLimitError``."""
        self._take(rounds * (1 + nodes))

    def render(self, nodes: int) -> None:
        """A block of so many nodes is rendered. Raises ``ResourceLimitError``."""
        self._take(_RENDER + nodes)

    def assign(self, names: int) -> None:
        """One more beside so many names; Liquid measures them all. Raises ``ResourceLimitError``."""
        self._take(1 + names)

    def counted(self, call: Callable[..., object]) -> Callable[..., object]:
        """The filter; raises ``ResourceLimitError`` and, for what would grow too large, ``FilterArgumentError``."""

        def counting(value: object, *arguments: object, **keywords: object) -> object:
            self._take(1 + (_size(value) + sum(map(_size, arguments))) // _TEXT)
            result = call(value, *arguments, **keywords)
            size = _size(result)
            if size > LONGEST:
                raise too_long(size)
            self._take(size // _TEXT)
            return result

        return counting

    def _take(self, steps: int) -> None:
        self._steps += steps
        if self._steps > MOST:
            raise ResourceLimitError("this takes more than a rendering may take: shorten its loops", token=None)


def too_long(size: int) -> FilterArgumentError:
    return FilterArgumentError(f"this would be {size} long; at most {LONGEST} may be", token=None)


def _size(value: object) -> int:
    return len(value) if isinstance(value, (str, list, tuple)) else 0
