"""The outcome of one try of a call."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import JsonValue

from idic.errors import IdicError


class Answered(NamedTuple):
    """The endpoint answered. ``values`` are what it gives, by name, as they are stored; missing ones are left out."""

    values: dict[str, JsonValue]


class Failed(NamedTuple):
    """Another try would fail, too. ``code`` is a stable word; ``detail`` explains it, without secrets and without words of the
    answer."""

    code: str
    detail: str


class CallLater(NamedTuple):
    """Worth another try, ``after`` real seconds if the service said so."""

    code: str
    detail: str
    after: float | None = None


CallOutcome = Answered | Failed | CallLater


class CannotCall(IdicError):
    """This call cannot be made, or its answer cannot be used; ``code`` and the message are those of ``Failed``."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)
