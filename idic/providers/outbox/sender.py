"""The sender of SMS where no provider is set up: nothing leaves, and a copy of each is kept to look at."""

from __future__ import annotations

from idic.interact.channels.contract import Accepted, Outcome, OutgoingSms


class OutboxChannel:
    """Sends nothing, and accepts every SMS."""

    account = "outbox"

    async def send(self, sms: OutgoingSms) -> Outcome:
        """Accept the SMS."""
        return Accepted(f"{self.account}:{sms.touch}")

    async def close(self) -> None:
        """There is nothing to close."""
