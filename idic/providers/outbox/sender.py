"""The account for SMS where no provider is set: nothing leaves, and the copy that is kept of each can be looked at."""

from __future__ import annotations

from idic.interact.channels.contract import Accepted, Outcome, OutgoingSms


class OutboxChannel:
    """The channel ``sms`` that sends nothing."""

    name = "sms"
    account = "outbox"

    async def send(self, sms: OutgoingSms) -> Outcome:
        return Accepted(f"{self.account}:{sms.touch}")

    async def close(self) -> None: ...
