"""Limit the steps and characters of rendering a template.

So no template runs for ever or fills the memory, whatever its source and the customer's values are. Limits are in steps, not in
seconds, so that a template that renders once always renders.
"""

from __future__ import annotations

from collections.abc import Callable

from liquid.exceptions import FilterArgumentError, ResourceLimitError

MOST = 500_000
"""Most steps of one rendering, each about a microsecond: a hundred times the steps of the largest email."""
LONGEST = 1_000_000
"""Most characters, or list entries, that a filter may return."""

_TEXT = 20
"""Characters that a filter processes in one step."""
_RENDER = 50


class Effort:
    """Counts the steps of one rendering."""

    def __init__(self) -> None:
        self._steps = 0

    def loop(self, rounds: int, nodes: int) -> None:
        """Count a loop of so many rounds and nodes, before it begins. Raises ``ResourceLimitError``."""
        self._take(rounds * (1 + nodes))

    def render(self, nodes: int) -> None:
        """Count the rendering of a block with so many nodes. Raises ``ResourceLimitError``."""
        self._take(_RENDER + nodes)

    def assign(self, names: int) -> None:
        """Count the assignment of a variable: Liquid then measures all variables. Raises ``ResourceLimitError``."""
        self._take(1 + names)

    def counted(self, call: Callable[..., object]) -> Callable[..., object]:
        """The same filter, counted. Raises ``ResourceLimitError``, or ``FilterArgumentError`` if its result is too long."""

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
            raise ResourceLimitError("this template takes too many steps: shorten its loops", token=None)


def too_long(size: int) -> FilterArgumentError:
    """The error for a result of this length."""
    return FilterArgumentError(f"this would be {size} long; the most is {LONGEST}", token=None)


def _size(value: object) -> int:
    return len(value) if isinstance(value, (str, list, tuple)) else 0
