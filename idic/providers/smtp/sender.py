"""Send email by SMTP.

A server is responsible for a message from the moment it answers the final dot (RFC 5321, 4.1.1.4 and 6.1). Before the dot is
written nothing was sent, whatever goes wrong. After it the answer is certain: 2xx accepted, 4xx and 5xx not. Only silence after
the dot leaves the outcome unknown. So the dot is written apart from the message, once the message has left our buffer.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from aiosmtplib import SMTP, SMTPException, SMTPResponse, SMTPResponseException
from aiosmtplib.errors import SMTPAuthenticationError

from idic.errors import SettingsError
from idic.interact.channels import mime
from idic.interact.channels.contract import Accepted, Later, Outcome, OutgoingEmail, Refused, Unsure
from idic.interact.channels.dkim import Signer
from idic.interact.channels.outcomes import storable

_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
_OPERATORS = frozenset({530, 534, 535, 538})
"""Replies about our own login: the operator must fix them, the message is not at fault."""


_NOBODY = re.compile(r"5\.1\.(1|6|10)\b")
"""Enhanced status codes of a dead address: no such mailbox, moved away (RFC 3463, 3.2), domain without mail (RFC 7505)."""


class SmtpLimits(NamedTuple):
    """Limits of a sender. Real seconds for one ``command``, for the ``answer`` to the dot, and for one mail in ``total``; open
    ``connections`` at once; how long one may be ``idle``, and how many ``messages`` it carries."""

    command: float = 15
    answer: float = 60
    total: float = 90
    connections: int = 32
    idle: float = 20
    messages: int = 100


DEFAULTS = SmtpLimits()


class SmtpServer(NamedTuple):
    """A mail server, from a URL such as ``smtp+starttls://user:password@mail.example:587?ca=/etc/ca.pem``.

    ``smtps`` is TLS from the first byte, ``smtp+starttls`` requires STARTTLS before anything else, ``smtp`` is without TLS.
    ``ca`` is a file of certificates to trust, ``hello`` our name in EHLO.
    """

    scheme: str
    host: str
    port: int
    user: str | None = None
    password: str | None = None
    ca: str | None = None
    hello: str | None = None

    @classmethod
    def parse(cls, url: str) -> SmtpServer:
        """Read a URL. Raises ``SettingsError``, which never repeats the password."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise SettingsError("the SMTP URL cannot be read; write smtp://user:password@host:port") from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise SettingsError("the SMTP URL begins with smtp://, smtps:// or smtp+starttls:// and names a host")
        options = parse_qs(parts.query)
        unknown = options.keys() - {"ca", "hello"}
        if unknown:
            raise SettingsError(f"the SMTP URL has an unknown option: {', '.join(sorted(unknown))}")
        return cls(
            scheme=parts.scheme,
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            ca=options.get("ca", [None])[-1],
            hello=options.get("hello", [None])[-1],
        )


class _Connection(NamedTuple):
    smtp: SMTP
    since: float
    sent: int


class _Progress:
    """The progress of one mail. ``dotted``: the final dot has been handed to the system."""

    dotted = False


class _Failed(Exception):
    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


class SmtpChannel:
    """Sends mail by one SMTP server. Use it in one event loop.

    ``signer`` signs each message, ``now`` gives the Date of messages. Time-outs are in real time.
    """

    def __init__(
        self,
        url: str,
        *,
        account: str = "smtp",
        limits: SmtpLimits = DEFAULTS,
        signer: Signer | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.account = account
        self.server = SmtpServer.parse(url)
        self._limits = limits
        self._signer = signer
        self._now = now
        self._idle: deque[_Connection] = deque()
        self._slots = asyncio.Semaphore(limits.connections)
        self._tls = self._trust() if self.server.scheme != "smtp" else None
        self._hello = self.server.hello

    async def send(self, mail: OutgoingEmail) -> Outcome:
        """Try once, within ``SmtpLimits.total`` seconds. Never raises for what the server or the network does. The outcome can
        be stored, whatever bytes the server sent."""
        return storable(await self._try(mail))

    async def _try(self, mail: OutgoingEmail) -> Outcome:
        written = mime.write(mail, self._now())
        if isinstance(written, Refused):
            return written
        if self._signer is not None:
            written = written._replace(data=self._signer.sign(written.data))
        progress = _Progress()
        try:
            async with asyncio.timeout(self._limits.total), self._slots:
                reply = await self._deliver(written, progress)
            if progress.dotted and reply.code // 100 == 2:
                return Accepted(mime.message_id(mail.touch, written.sender))
            return _answered(reply, progress)
        except _Failed as failed:
            return failed.outcome
        except TimeoutError:
            return _lost(progress, "smtp_timeout", "the server took too long")
        except (SMTPException, OSError) as error:
            return _lost(progress, "smtp_connection_lost", f"{type(error).__name__}: {error}")

    async def close(self) -> None:
        """Close idle connections. Mails under way are finished."""
        while self._idle:
            await _goodbye(self._idle.popleft().smtp)

    async def _deliver(self, mail: mime.WrittenMail, progress: _Progress) -> SMTPResponse:
        """The server's last reply: its answer to the dot, or an earlier refusal."""
        connection, reply = await self._begin(mail.sender, mail.utf8)
        smtp, patience = connection.smtp, self._limits.command
        reusable = False
        try:
            if reply.code // 100 == 2:
                reply = await smtp.execute_command(b"RCPT", b"TO:<" + mail.to.mailbox.encode() + b">", timeout=patience)
                if reply.code // 100 == 2:
                    reply = await smtp.execute_command(b"DATA", timeout=patience)
                    if reply.code == 354:
                        reply = await self._write(smtp, mail.data, progress)
            # After an answered dot the server begins anew by itself; after a refusal before it, it must be told.
            understood = reply.code // 100 in (2, 4, 5) and reply.code != 421
            reusable = understood and (progress.dotted or await self._reset(smtp))
            return reply
        finally:
            self._put_back(connection, reusable)

    async def _begin(self, sender: mime.Address, utf8: bool) -> tuple[_Connection, SMTPResponse]:
        """A connection that has sent MAIL FROM, and the reply. A kept connection that turns out closed is replaced."""
        while True:
            connection = self._kept() or await self._connect()
            smtp = connection.smtp
            try:
                if utf8 and not smtp.supports_extension("smtputf8"):
                    self._put_back(connection, reusable=True)
                    raise _Failed(Refused("address_needs_smtputf8", f"{self.server.host} takes ASCII addresses only"))
                options = [b"SMTPUTF8"] if utf8 else []
                reply = await smtp.execute_command(
                    b"MAIL", b"FROM:<" + sender.mailbox.encode() + b">", *options, timeout=self._limits.command
                )
            except (SMTPException, OSError):
                smtp.close()
                if connection.sent:
                    continue
                raise
            except asyncio.CancelledError:
                smtp.close()
                raise
            if reply.code == 421 and connection.sent:
                smtp.close()
                continue
            return connection, reply

    async def _write(self, smtp: SMTP, data: bytes, progress: _Progress) -> SMTPResponse:
        protocol, transport = smtp.protocol, smtp.transport
        if protocol is None or transport is None:
            raise SMTPException("the connection was lost before the message")
        # Without room in the buffer, drained means that the system has taken every byte: only the dot follows.
        transport.set_write_buffer_limits(high=0)  # type: ignore[attr-defined]
        protocol.write(stuffed(data))
        async with asyncio.timeout(self._limits.answer):
            await protocol._drain_helper()  # what asyncio's StreamWriter.drain awaits
        if not protocol.is_connected:
            raise SMTPException("the connection was lost during the message")
        # From here on silence means an unknown outcome. Nothing may be awaited between these two lines.
        progress.dotted = True
        protocol.write(b".\r\n")
        return await protocol.read_response(timeout=self._limits.answer)

    def _kept(self) -> _Connection | None:
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if connection.smtp.is_connected and now - connection.since < self._limits.idle:
                return connection
            connection.smtp.close()
        return None

    def _put_back(self, connection: _Connection, reusable: bool) -> None:
        sent = connection.sent + 1
        if not reusable:
            # The transport may still hold a part of the message: abort() drops it, close() would go on sending it.
            if isinstance(connection.smtp.transport, asyncio.WriteTransport):
                connection.smtp.transport.abort()
            connection.smtp.close()
        elif sent < self._limits.messages and connection.smtp.is_connected:
            self._idle.append(_Connection(connection.smtp, asyncio.get_running_loop().time(), sent))
        else:
            connection.smtp.close()

    async def _reset(self, smtp: SMTP) -> bool:
        try:
            return (await smtp.execute_command(b"RSET", timeout=min(self._limits.command, 5))).code == 250
        except (SMTPException, OSError):
            return False

    async def _connect(self) -> _Connection:
        server = self.server
        smtp = SMTP(
            hostname=server.host,
            port=server.port,
            timeout=self._limits.command,
            use_tls=server.scheme == "smtps",
            start_tls=server.scheme == "smtp+starttls",
            tls_context=self._tls,
            local_hostname=self._hello,
            username=server.user,
            password=server.password,
        )
        try:
            await smtp.connect()
            self._hello = smtp.local_hostname  # looked up once: it may ask the network
            if smtp.is_ehlo_or_helo_needed:
                await smtp.ehlo()
        except (SMTPException, OSError) as error:
            smtp.close()
            raise _Failed(_not_connected(error)) from error
        except BaseException:
            smtp.close()
            raise
        return _Connection(smtp, asyncio.get_running_loop().time(), 0)

    def _trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.server.ca)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(f"the certificates in {self.server.ca} cannot be read") from error


def stuffed(data: bytes) -> bytes:
    """The message as it is written between DATA and the dot: CRLF line ends, and dots at line starts doubled."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", data)
    lines = re.sub(rb"(?m)^\.", b"..", lines)
    return lines if lines.endswith(b"\r\n") else lines + b"\r\n"


def _answered(reply: SMTPResponse, progress: _Progress) -> Outcome:
    """The outcome for any reply but 2xx to the dot."""
    detail = f"{reply.code} {reply.message}"
    if reply.code in _OPERATORS:
        return Later("smtp_login_refused", detail, down=True)
    if reply.code == 421:
        return Later("smtp_421", detail, down=True)  # the server itself is going away
    match reply.code // 100:
        case 4:
            return Later(f"smtp_{reply.code}", detail)
        case 5 if _NOBODY.match(reply.message):
            return Refused("no_such_mailbox", detail)
        case 5:
            return Refused(f"smtp_{reply.code}", detail)
        case _ if progress.dotted:
            return Unsure("smtp_unreadable", detail)
        case _:
            return Later("smtp_unreadable", detail)


def _lost(progress: _Progress, code: str, detail: str) -> Outcome:
    return Unsure(f"{code}_after_dot", detail) if progress.dotted else Later(code, detail)


def _not_connected(error: Exception) -> Later:
    """The outcome where the server cannot be reached or refuses us: the message is not at fault, and a retry or another account
    may help."""
    detail = f"{type(error).__name__}: {error}"
    match error:
        case SMTPAuthenticationError():
            code = "smtp_login_refused"
        case _ if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
            code = "smtp_tls_failed"
        case TimeoutError():
            code = "smtp_timeout"
        case SMTPResponseException():
            code = f"smtp_{error.code}_on_connect"
        case _ if type(error) is SMTPException:
            code = "smtp_not_offered"  # STARTTLS or a login, which the URL asks for
        case _:
            code = "smtp_unreachable"
    return Later(code, detail, down=True)


async def _goodbye(smtp: SMTP) -> None:
    try:
        await smtp.quit(timeout=1)
    except (SMTPException, OSError):
        smtp.close()
