"""The clock: real time, or faster than real time for demos and development.

Everything that needs the time is handed a ``Clock`` or an instant read from one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from idic.times import Duration


def _real_now() -> datetime:
    return datetime.now(UTC)


class Clock:
    """idic's time, which is real time or an affine image of it.

    ``factor`` seconds of idic's time pass in a real second, counted from the pair of instants ``(idic, real)``. Time-outs
    and retries of calls to other systems do not use it: they are in real time.
    """

    def __init__(
        self,
        factor: float = 1.0,
        idic: datetime | None = None,
        real: datetime | None = None,
        source: Callable[[], datetime] = _real_now,
    ) -> None:
        self.factor = factor
        self._source = source
        self._real = real or source()
        self._idic = idic or self._real
        self._is_real_time = factor == 1.0 and self._idic == self._real

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return self.at(self._source())

    def at(self, real: datetime) -> datetime:
        """The time on this clock at the real instant ``real``."""
        return real if self._is_real_time else self._idic + (real - self._real) * self.factor

    def real(self, instant: datetime) -> datetime:
        """The real instant at which this clock will show ``instant``."""
        return instant if self._is_real_time else self._real + (instant - self._idic) / self.factor

    def real_seconds(self, span: timedelta) -> float:
        """How many real seconds a span of this clock's time takes."""
        return span.total_seconds() / self.factor


def parse_speed(text: str) -> float:
    """Read ``1d=60s`` (a day of idic's time passes in a real minute) as the factor, here 1440.

    Raises ``ValueError`` whose text says what to write instead.
    """
    sides = re.fullmatch(r"([^=]+)=([^=]+)", text.strip())
    if sides is None:
        raise ValueError(f'"{text}" is not a speed; write "1d=60s" for a day a minute')
    idic, real = (Duration.parse(side) for side in sides.groups())
    factor = _seconds(idic) / (_seconds(real) or 1)
    if not _seconds(real) or factor < 1:
        raise ValueError(f'"{text}": the clock can only run faster than real time')
    return factor


def _seconds(duration: Duration) -> float:
    return duration.days * 86400 + duration.seconds
