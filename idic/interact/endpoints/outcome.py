"""What became of one try of a call."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import JsonValue

from idic.errors import IdicError


class Answered(NamedTuple):
    """``values`` are what the endpoint gives, by name, as they are stored; what was not said is left out."""

    values: dict[str, JsonValue]


class Failed(NamedTuple):
    """Another try would come to the same. ``code`` is a stable word; ``detail`` is for the person who asks why, and holds no
    secret and no word of the answer."""

    code: str
    detail: str


class CallLater(NamedTuple):
    """Worth another try, ``after`` real seconds if the service said so."""

    code: str
    detail: str
    after: float | None = None


CallOutcome = Answered | Failed | CallLater


class CannotCall(IdicError):
    """This call cannot be made, or its answer cannot be taken; ``code`` and the message are those of ``Failed``."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)
