"""The reference journey as a good engineer would write it by hand, on Temporal's Python SDK and without idic.

It leaves the same records as idic in the same tables (enrollment, trace, touch before and after the provider's answer),
checks consent and suppression, and sends the same mail from the same MJML. What needs no provider is a local activity. It
lacks what makes idic idic: events that count from their acceptance, policy, goals, pinned programs, and a mail's fate when
the worker dies.

python -m bench.handwritten worker     its workflow and its activities

python -m bench.handwritten starter    reads the events table and starts a workflow for each event
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import sys
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.utils import formatdate
from hashlib import sha256
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

with workflow.unsafe.imports_passed_through():
    import aiosmtplib
    import css_inline
    import inscriptis
    import liquid
    from itsdangerous import URLSafeSerializer
    from mjml import mjml2html
    from sqlalchemy import insert, select, update

    from idic.settings import Settings, load
    from idic.store.database import Store, Tx
    from idic.store.tables import consents, customers, enrollments, events, suppressions, touches, trace

QUEUE = "handwritten"
JOURNEY = "reference"
_AT_ONCE = 50
_BATCH = 500
_TEMPLATE = Path(__file__).parent / "journeys" / "templates" / "mail.mjml"


@dataclass(frozen=True)
class Entry:
    """Whose workflow it is, and how many real seconds it waits."""

    enrollment: str
    customer: str
    wait: float


@workflow.defn(name="handwritten")
class Onboarding:
    """The reference journey as a workflow."""

    def __init__(self) -> None:
        self._created = False

    @workflow.signal(name="project_created")
    def project_created(self) -> None:
        """The awaited event came."""
        self._created = True

    @workflow.run
    async def run(self, entry: Entry) -> None:
        """Enter, wait, decide, send and leave."""
        briefly = timedelta(seconds=10)
        await workflow.execute_local_activity("enter", entry, start_to_close_timeout=briefly)
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(lambda: self._created, timeout=entry.wait)
        touch: str | None = await workflow.execute_local_activity(
            "decide", args=[entry, self._created], start_to_close_timeout=briefly
        )
        if touch is not None:
            await workflow.execute_activity("send", touch, start_to_close_timeout=timedelta(minutes=2))
        await workflow.execute_local_activity("leave", entry, start_to_close_timeout=briefly)


class Activities:
    """What the workflow reads and writes, and the mail it sends."""

    def __init__(self, store: Store, settings: Settings, program_id: str) -> None:
        assert settings.smtp_url is not None
        self.store = store
        self.program_id = program_id
        self.mail = Mail(settings)

    @activity.defn(name="enter")
    async def enter(self, entry: Entry) -> None:
        """Record the enrollment."""

        async def work(tx: Tx) -> None:
            now = tx.now()
            until = now + timedelta(seconds=entry.wait)
            await tx.execute(
                insert(enrollments).values(
                    id=entry.enrollment, customer_id=entry.customer, journey=JOURNEY, program_id=self.program_id, key="",
                    semantics=1, seq=1, state={"step": "first_project", "entered_at": now.isoformat()},
                    step="first_project", deadline=until, entered_at=now,
                )
            )  # fmt: skip
            await _note(
                tx, entry.enrollment,
                (None, "entered", {"event": "Trial Started"}),
                ("first_project", "waiting", {"until": until.isoformat()}),
            )  # fmt: skip

        await self.store.move("enter", work)

    @activity.defn(name="decide")
    async def decide(self, entry: Entry, created: bool) -> str | None:
        """Choose the message and record the touch; returns its id, or None without consent."""
        touch = uuid.uuid5(uuid.NAMESPACE_URL, f"{entry.enrollment}/mail").hex

        async def work(tx: Tx) -> str | None:
            now = tx.now()
            customer = await tx.row(select(customers).where(customers.c.id == entry.customer).with_for_update())
            assert customer is not None
            team = float(customer["traits"].get("team_size", 1)) >= 10
            step, message = ("for_teams", "team_offer") if team else ("for_one", "first_steps")
            said = await tx.rows(select(consents).where(consents.c.customer_id == entry.customer).order_by(consents.c.id))
            address = str(customer["traits"].get("email", "")).lower()
            digest = sha256(address.encode()).hexdigest()
            suppressed = await tx.row(
                select(suppressions).where(suppressions.c.channel == "email", suppressions.c.digest == digest)
            )
            may = bool(address and said and said[-1]["given"] and suppressed is None)
            await tx.execute(
                update(enrollments)
                .where(enrollments.c.id == entry.enrollment)
                .values(seq=2, step=step, deadline=None, state={"step": step, "touch": touch})
            )
            await _note(
                tx, entry.enrollment,
                ("first_project", "happened" if created else "timed out", {}),
                ("by_size", "chose", {"because": f"team_size {customer['traits'].get('team_size')}"}),
                (step, "claimed" if may else "not sent", {"channel": "email", "message": message}),
            )  # fmt: skip
            if not may:
                return None
            await tx.execute(
                insert(touches).values(
                    id=touch, enrollment_id=entry.enrollment, customer_id=entry.customer, step=step, round=1,
                    channel="email", message=message, journey=JOURNEY, purpose="marketing", account="smtp", status="claimed",
                    attempts=0, deliver_by=now + timedelta(days=2), claimed_at=now,
                )
            )  # fmt: skip
            return touch

        return await self.store.move("decide", work)

    @activity.defn(name="send")
    async def send(self, touch: str) -> None:
        """Send the mail; record the touch before and after the answer."""

        async def claim(tx: Tx) -> tuple[str, Mapping[str, Any]] | None:
            marked = await tx.execute(
                update(touches)
                .where(touches.c.id == touch, touches.c.status == "claimed")
                .values(status="attempting", attempts=touches.c.attempts + 1, attempted_at=tx.now())
            )
            if marked.rowcount != 1:
                return None
            row = await tx.row(
                select(touches.c.message, customers.c.traits)
                .join(customers, customers.c.id == touches.c.customer_id)
                .where(touches.c.id == touch)
            )
            assert row is not None
            return row["message"], row["traits"]

        claimed = await self.store.move("claim", claim)
        if claimed is None:
            return
        message, traits = claimed
        provider_id = await self.mail.send(touch, message, traits)

        async def sent(tx: Tx) -> None:
            now = tx.now()
            await tx.execute(
                update(touches).where(touches.c.id == touch)
                .values(status="sent", provider_id=provider_id, settled_at=now)
            )  # fmt: skip
            row = await tx.row(select(touches.c.enrollment_id, touches.c.step).where(touches.c.id == touch))
            assert row is not None
            await _note(tx, row["enrollment_id"], (row["step"], "sent", {"channel": "email"}))

        await self.store.move("sent", sent)

    @activity.defn(name="leave")
    async def leave(self, entry: Entry) -> None:
        """Record the end of the enrollment."""

        async def work(tx: Tx) -> None:
            await tx.execute(
                update(enrollments)
                .where(enrollments.c.id == entry.enrollment)
                .values(seq=3, step=None, ended_at=tx.now(), ending="exit", reason="done", state={"ended": "done"})
            )
            await _note(tx, entry.enrollment, (None, "ended", {"kind": "exit", "reason": "done"}))

        await self.store.move("leave", work)


async def _note(tx: Tx, enrollment: str, *entries: tuple[str | None, str, dict[str, Any]]) -> None:
    now = tx.now()
    await tx.execute(
        insert(trace),
        [{"enrollment_id": enrollment, "at": now, "kind": kind, "step": step, "why": why} for step, kind, why in entries],
    )


class Mail:
    """Composes from MJML, tracks the links, and keeps connections to the mail server."""

    _SUBJECTS = {
        "team_offer": "Shall we set your team up, {name}?",
        "first_steps": "Your first project, {name}",
    }

    def __init__(self, settings: Settings) -> None:
        assert settings.smtp_url is not None
        server = urlsplit(settings.smtp_url.get_secret_value())
        self._host, self._port = server.hostname or "localhost", server.port or 25
        self._base = settings.public_url
        self._sender = settings.email_from
        self._signer = URLSafeSerializer(settings.signing_keys[0].get_secret_value(), salt="click")
        self._inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True, keep_at_rules=True)
        self._template = liquid.Environment(autoescape=True).from_string(_TEMPLATE.read_text())
        self._idle: deque[aiosmtplib.SMTP] = deque()

    async def send(self, touch: str, message: str, traits: Mapping[str, Any]) -> str:
        """Send a mail and return its Message-ID."""
        mail = self._compose(touch, message, traits)
        smtp = self._idle.pop() if self._idle else await self._connected()
        await smtp.send_message(mail)
        self._idle.append(smtp)
        return str(mail["Message-ID"])

    async def close(self) -> None:
        """Close the idle connections."""
        for smtp in self._idle:
            await smtp.quit()

    async def _connected(self) -> aiosmtplib.SMTP:
        smtp = aiosmtplib.SMTP(hostname=self._host, port=self._port, start_tls=False)
        await smtp.connect()
        return smtp

    def _compose(self, touch: str, message: str, traits: Mapping[str, Any]) -> EmailMessage:
        unsubscribe = f"{self._base}/u/{self._signer.dumps(touch)}"
        source = self._template.render(
            customer={"first_name": traits.get("first_name")},
            links={"guide": "https://app.example/guide", "unsubscribe": unsubscribe},
        )
        html = self._inliner.inline(mjml2html(source, fonts={}))
        html = re.sub(r'href="([^"]*)"', lambda link: self._tracked(touch, link, unsubscribe), html)
        mail = EmailMessage()
        mail["From"], mail["To"] = self._sender, str(traits["email"])
        mail["Subject"] = self._SUBJECTS[message].format(name=traits.get("first_name") or "there")
        mail["Date"], mail["Message-ID"] = formatdate(), f"<{touch}@shop.example>"
        mail["List-Unsubscribe"] = f"<{unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        mail.set_content(inscriptis.get_text(html))
        mail.add_alternative(html, subtype="html")
        return mail

    def _tracked(self, touch: str, link: re.Match[str], unsubscribe: str) -> str:
        url = unescape(link[1])
        tracked = url if url == unsubscribe else f"{self._base}/l/{self._signer.dumps([touch, url])}"
        return f'href="{escape(tracked)}"'


async def start_all(store: Store, client: Client, wait: float) -> int:
    """Start a workflow for each new event and mark the events as seen; returns how many there were."""
    async with store.reading() as tx:
        found = await tx.rows(
            select(events.c.id, events.c.customer_id).where(events.c.routed_at.is_(None)).order_by(events.c.id).limit(_BATCH)
        )
    room = asyncio.Semaphore(_AT_ONCE)

    async def start(customer: str) -> None:
        entry = Entry(uuid.uuid4().hex, customer, wait)
        async with room:
            await client.start_workflow(Onboarding.run, entry, id=entry.enrollment, task_queue=QUEUE)

    await asyncio.gather(*(start(row["customer_id"]) for row in found))
    if found:
        seen = [row["id"] for row in found]
        await store.move("seen", lambda tx: tx.execute(update(events).where(events.c.id.in_(seen)).values(routed_at=tx.now())))
    return len(found)


async def main(part: str, program_id: str, wait: float) -> None:
    """Run the worker or the starter until SIGTERM."""
    settings = load()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    store = Store.open(settings.database_url)
    client = await Client.connect(settings.temporal_address)
    try:
        if part == "worker":
            does = Activities(store, settings, program_id)
            async with Worker(
                client,
                task_queue=QUEUE,
                workflows=[Onboarding],
                activities=[does.enter, does.decide, does.send, does.leave],
                max_concurrent_activities=settings.deliveries,
                workflow_runner=UnsandboxedWorkflowRunner(),
            ):
                await stop.wait()
        while not stop.is_set():
            if not await start_all(store, client, wait):
                await asyncio.sleep(0.02)
    finally:
        await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
