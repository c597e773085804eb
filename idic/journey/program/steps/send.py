"""The step ``send``: a message, by one channel or several."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import ClassVar, Literal

from idic.journey.channels import CHANNELS, EMAIL
from idic.journey.program import phrases
from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step, Way, nominal
from idic.journey.program.steps.step_kind import Look, StepKind
from idic.times import Duration, Hours


class Send(Step):
    """``channels`` in the order of the file. ``each`` sends on all of them, ``first_of`` on the first that is reachable and
    allowed, ``best_of`` on the one that is best for this customer and, where that cannot be, on the next best. ``at`` are the
    hours of the customer's day in which it may leave; ``best time`` asks for the hour at which this customer answers."""

    kind: Literal["send"] = "send"
    message: str
    channels: tuple[str, ...]
    mode: Literal["each", "first_of", "best_of"] = "each"
    at: Hours | Literal["best time"] | None = None
    within: Duration

    stops: ClassVar[bool] = True

    def ways(self) -> Iterator[Way]:
        """On when it was sent, otherwise when it was not."""
        yield Way("sent", self.then)
        yield Way("otherwise: not sent", self.otherwise)

    def longest(self) -> timedelta:
        """How long the message may wait before it leaves."""
        return nominal(self.within)

    def sent_message(self) -> str:
        """The name of its message."""
        return self.message

    def sent_channels(self) -> tuple[str, ...]:
        """Its channels."""
        return self.channels

    def most_messages(self) -> int:
        """One for each channel, or one altogether."""
        return len(self.channels) if self.mode == "each" else 1

    def describe(self) -> Description:
        """``best of email, SMS · nudge``"""
        names = [phrases.channel(name) for name in self.channels]
        if self.mode == "each":
            how = " + ".join(names)
        else:
            how = f"{'first' if self.mode == 'first_of' else 'best'} of {', '.join(names)}"
        hours = (f"at {self.at}" if isinstance(self.at, str) else f"from {self.at}",) if self.at else ()
        title = f"{how}\N{NO-BREAK SPACE}· {self.message}"
        return Description(title, (*self._if(), *hours, f"within {self.within}"))


class SendKind(StepKind[Send]):
    """The row of ``send``."""

    keyword = "send"
    step = Send
    summary = "a message; by, at, within"
    other_names: ClassVar = {EMAIL.name: "send: … with by: email", "message": "send:"}

    def looks(self) -> dict[str, Look]:
        """A send looks like the channel by which it sends."""
        return {name: Look(channel.icon, channel.colors) for name, channel in CHANNELS.items()}
