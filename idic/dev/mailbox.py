"""A mail server that keeps the mail it gets, for `idic dev` and tests.

python -m idic.dev.mailbox --port 2525 --dir mails --behaviour drop-after-dot:0.1

Each mail becomes a file ``NUMBER.eml``, and a line in ``accepts.ndjson`` that is written before the sender gets 250: an
independent count of what was accepted. It never forwards mail.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import ssl
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from random import Random
from typing import Any, Literal, NamedTuple, Protocol, TextIO

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

ACCEPTS = "accepts.ndjson"

Stage = Literal["rcpt", "data", "dot"]
"""When a behaviour applies: at RCPT, before DATA is accepted, and after the dot, with the mail."""


class SmtpAnswer(NamedTuple):
    """What to do instead of the normal answer: send ``reply``, ``keep`` the mail first (at ``dot``), ``hang`` for so many
    seconds, or ``drop`` the connection."""

    reply: str | None = None
    keep: bool = False
    hang: float = 0
    drop: bool = False


class MailboxBehaviour(Protocol):
    """How the mailbox treats a mail; None means like a normal server."""

    def __call__(self, stage: Stage, recipient: str) -> SmtpAnswer | None: ...


class NamedBehaviours:
    """Behaviours by name, as the command line has them: ``NAME`` or ``NAME:NUMBER``, several side by side.

    refuse-rcpt:P      550 at RCPT for a share P of recipients (1 when not given)
    refuse-dot:P       554 after the dot
    greylist:N         451 at RCPT for the first N tries of each recipient
    later-dot:P        451 after the dot
    drop-before-dot:P  the line drops where DATA is asked for
    drop-after-dot:P   the mail is kept, then the line drops without an answer
    hang-after-dot:P   the mail is kept, then silence for an hour
    hang-rcpt:P        silence at RCPT
    slow:SECONDS       a pause before each answer to a dot
    """

    _SHARES: dict[str, tuple[Stage, SmtpAnswer]] = {
        "refuse-rcpt": ("rcpt", SmtpAnswer("550 5.1.1 no such mailbox")),
        "hang-rcpt": ("rcpt", SmtpAnswer(hang=3600)),
        "drop-before-dot": ("data", SmtpAnswer(drop=True)),
        "refuse-dot": ("dot", SmtpAnswer("554 5.7.1 refused")),
        "later-dot": ("dot", SmtpAnswer("451 4.3.0 try again")),
        "drop-after-dot": ("dot", SmtpAnswer(keep=True, drop=True)),
        "hang-after-dot": ("dot", SmtpAnswer(keep=True, hang=3600)),
    }

    def __init__(self, wanted: Iterable[str], seed: int = 0) -> None:
        """Raises ``ValueError`` for an unknown name."""
        self._random = Random(seed)
        self._tries: Counter[str] = Counter()
        self._wanted: list[tuple[str, float]] = []
        for text in wanted:
            name, _, number = text.partition(":")
            if name not in self._SHARES and name not in ("greylist", "slow"):
                raise ValueError(f'there is no behaviour "{name}"; there are {", ".join(self._SHARES)}, greylist, slow')
            self._wanted.append((name, float(number or 1)))

    def __call__(self, stage: Stage, recipient: str) -> SmtpAnswer | None:
        pause = 0.0
        for name, number in self._wanted:
            if name == "greylist" and stage == "rcpt":
                self._tries[recipient] += 1
                if self._tries[recipient] <= number:
                    return SmtpAnswer("451 4.7.1 greylisted, try again later")
            elif name == "slow" and stage == "dot":
                pause = number
            elif name in self._SHARES:
                at, answer = self._SHARES[name]
                if at == stage and self._random.random() < number:
                    return answer
        return SmtpAnswer(keep=True, reply="250 2.0.0 kept", hang=pause) if pause else None


class Accept(NamedTuple):
    """One line of ``accepts.ndjson``; ``at`` is ISO 8601 in UTC."""

    message_id: str
    touch: str
    to: list[str]
    at: str
    file: str


class Mailbox:
    """The mail server, in the running event loop: ``async with Mailbox(folder) as mailbox``.

    ``port`` 0 takes a free port; ``url`` is the value for ``IDIC_SMTP_URL``. Senders must use the user and password in
    ``login``, if given. ``tls`` offers and requires STARTTLS, or with ``implicit`` speaks TLS from the first byte.
    """

    def __init__(
        self,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        behaviour: MailboxBehaviour | None = None,
        login: tuple[str, str] | None = None,
        smtputf8: bool = True,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
    ) -> None:
        self.folder = folder
        self.host = host
        self.port = port
        self.behaviour = behaviour
        self._login = login
        self._smtputf8 = smtputf8
        self._tls = tls
        self._implicit = implicit
        self._server: asyncio.Server | None = None
        self._lines: set[_Conversation] = set()
        self._accepts: TextIO | None = None
        self._count = 0

    async def __aenter__(self) -> Mailbox:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start listening."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._count = max((int(file.stem) for file in self.folder.glob("*.eml") if file.stem.isdigit()), default=0)
        # Line-buffered, so that the count survives a kill.
        self._accepts = (self.folder / ACCEPTS).open("a", encoding="utf-8", buffering=1)
        loop = asyncio.get_running_loop()
        tls = self._tls if self._implicit else None
        self._server = await loop.create_server(self._conversation, self.host, self.port, backlog=512, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close every connection and stop."""
        if self._server is not None:
            self._server.close()
            for line in list(self._lines):
                line.hang_up()
            await self._server.wait_closed()
            self._server = None
        if self._accepts is not None:
            self._accepts.close()
            self._accepts = None

    @property
    def url(self) -> str:
        """The value for ``IDIC_SMTP_URL``."""
        login = f"{self._login[0]}:{self._login[1]}@" if self._login else ""
        scheme = "smtp" if not self._tls else "smtps" if self._implicit else "smtp+starttls"
        return f"{scheme}://{login}{self.host}:{self.port}"

    def accepts(self) -> list[Accept]:
        """Everything accepted so far, in order, with repeats."""
        return list(read_accepts(self.folder))

    def mails(self) -> list[EmailMessage]:
        """Every mail accepted so far, parsed, in order."""
        return [read_mail(self.folder / accept.file) for accept in self.accepts()]

    def keep(self, envelope: Envelope) -> None:
        """Store the mail, then count it; both before the sender gets an answer."""
        content = envelope.original_content or b""
        self._count += 1
        name = f"{self._count:08d}.eml"
        (self.folder / name).write_bytes(content)
        headers = message_from_bytes(content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
        accept = Accept(
            message_id=str(headers.get("Message-ID", "")),
            touch=str(headers.get("X-Idic-Touch", "")),
            to=list(envelope.rcpt_tos),
            at=datetime.now(UTC).isoformat(),
            file=name,
        )
        assert self._accepts is not None
        self._accepts.write(json.dumps(accept._asdict(), ensure_ascii=False) + "\n")

    def _conversation(self) -> asyncio.Protocol:
        return _Conversation(
            self, self._lines, login=self._login, smtputf8=self._smtputf8, tls=None if self._implicit else self._tls
        )


class _Conversation(SMTP):
    """One connection: aiosmtpd's protocol, with the mailbox as its handler."""

    def __init__(
        self,
        mailbox: Mailbox,
        lines: set[_Conversation],
        *,
        login: tuple[str, str] | None,
        smtputf8: bool,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._lines = lines
        self._handler = _Handler(mailbox, login)
        super().__init__(
            self._handler,
            hostname="mailbox.localhost",
            ident="idic mailbox",
            data_size_limit=50_000_000,
            enable_SMTPUTF8=smtputf8,
            decode_data=False,
            timeout=300,
            auth_require_tls=False,
            tls_context=tls,
            require_starttls=tls is not None,
            authenticator=(lambda *arguments: _authenticated(arguments, login)) if login else None,
        )

    def connection_made(self, transport: Any) -> None:
        self._lines.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._lines.discard(self)
        super().connection_lost(error)

    async def smtp_DATA(self, arg: str) -> None:
        if self.envelope is not None and self.envelope.rcpt_tos:
            answer = await self._handler.behave(self, "data", self.envelope.rcpt_tos[0])
            if answer is not None and answer.reply:
                await self.push(answer.reply)
                return
        await super().smtp_DATA(arg)

    def hang_up(self) -> None:
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()


class _Handler:
    def __init__(self, mailbox: Mailbox, login: tuple[str, str] | None) -> None:
        self._mailbox = mailbox
        self._login = login

    async def handle_MAIL(self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if self._login and not session.authenticated:
            return "530 5.7.0 say who you are first"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        answer = await self.behave(server, "rcpt", address)
        if answer is not None and answer.reply:
            return answer.reply
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        answer = await self.behave(server, "dot", envelope.rcpt_tos[0], envelope)
        if answer is not None and answer.reply:
            return answer.reply
        self._mailbox.keep(envelope)
        return "250 2.0.0 kept"

    async def behave(self, server: SMTP, stage: Stage, recipient: str, envelope: Envelope | None = None) -> SmtpAnswer | None:
        behaviour = self._mailbox.behaviour
        answer = behaviour(stage, recipient) if behaviour else None
        if answer is None:
            return None
        if answer.keep and envelope is not None:
            self._mailbox.keep(envelope)
        if answer.hang:
            await asyncio.sleep(answer.hang)
        if answer.drop:
            if isinstance(server.transport, asyncio.WriteTransport):
                server.transport.abort()
            return SmtpAnswer("421 4.3.2 gone")
        return answer


def _authenticated(arguments: tuple[Any, ...], login: tuple[str, str]) -> AuthResult:
    given = arguments[-1]
    known = (given.login, given.password) == (login[0].encode(), login[1].encode())
    return AuthResult(success=known, handled=False)


def read_accepts(folder: Path) -> Iterator[Accept]:
    """The lines of ``accepts.ndjson`` in ``folder``; none if nothing was accepted yet."""
    try:
        text = (folder / ACCEPTS).read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    for line in text.splitlines():
        yield Accept(**json.loads(line))


def read_mail(file: Path) -> EmailMessage:
    """Read and parse a stored mail."""
    parsed = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


async def serve(folder: Path, host: str, port: int, behaviour: MailboxBehaviour | None) -> None:
    """Run a mailbox until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Mailbox(folder, host=host, port=port, behaviour=behaviour) as mailbox:
        sys.stdout.write(f"{mailbox.url}\n")
        sys.stdout.flush()
        await stop.wait()


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m idic.dev.mailbox", description="A mail server that keeps its mail.")
    parser.add_argument("--dir", type=Path, required=True, help="where the mails go")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=2525, help="0 takes a free one; the URL is printed")
    parser.add_argument("--behaviour", action="append", default=[], metavar="NAME[:NUMBER]", help=NamedBehaviours.__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of what happens by chance")
    options = parser.parse_args(arguments)
    try:
        behaviour = NamedBehaviours(options.behaviour, options.seed) if options.behaviour else None
    except ValueError as error:
        parser.error(str(error))
    asyncio.run(serve(options.dir, options.host, options.port, behaviour))


if __name__ == "__main__":
    main()
