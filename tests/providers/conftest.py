"""A mailbox that takes mail over real SMTP, and a channel that sends to it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from idic.dev.mailbox import Mailbox, MailboxBehaviour
from idic.interact.channels.contract import OutgoingEmail
from idic.providers.smtp.sender import SmtpChannel, SmtpLimits

QUICK = SmtpLimits(command=0.8, answer=0.9, total=6)

OpenMailbox = Callable[..., Awaitable[Mailbox]]
OpenChannel = Callable[..., SmtpChannel]


@pytest.fixture
async def open_mailbox(tmp_path: Path) -> AsyncIterator[OpenMailbox]:
    async with AsyncExitStack() as stack:

        async def open_one(behaviour: MailboxBehaviour | None = None, **options: object) -> Mailbox:
            mailbox = Mailbox(tmp_path / "mails", behaviour=behaviour, **options)  # type: ignore[arg-type]
            return await stack.enter_async_context(mailbox)

        yield open_one


@pytest.fixture
async def open_channel() -> AsyncIterator[OpenChannel]:
    opened: list[SmtpChannel] = []

    def open_one(url: str, limits: SmtpLimits = QUICK) -> SmtpChannel:
        opened.append(SmtpChannel(url, limits=limits))
        return opened[-1]

    yield open_one
    for channel in opened:
        await channel.close()


def letter(touch: str = "t1", **changes: object) -> OutgoingEmail:
    """A mail to Anna; ``changes`` are fields of OutgoingEmail."""
    plain: dict[str, object] = {
        "touch": touch,
        "to": "anna@example.com",
        "sender": "Shop <hello@shop.example>",
        "subject": "Still thinking it over?",
        "text": "Your basket is still here.",
        "html": "<p>Your basket is still here.</p>",
        "unsubscribe_url": "https://shop.example/u/abc",
    }
    return OutgoingEmail.model_validate({**plain, **changes})


@pytest.fixture
def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
