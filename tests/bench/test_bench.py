"""What idic is measured against does its whole job: a comparison with what is broken flatters."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import select

from bench import handwritten
from bench.journeys_per_second import people_of, reference
from idic.dev.mailbox import Mailbox, read_accepts
from idic.settings import Settings
from idic.store.database import Store
from idic.store.journey import programs
from idic.store.tables import enrollments, touches, trace


async def test_the_journey_by_hand_leaves_the_same_records(store: Store, tmp_path: Path) -> None:
    program = reference(tmp_path, wait=1)
    await store.move("publish", lambda tx: programs.publish(tx, program, tx.now()))
    await store.move("people", lambda tx: people_of(tx, ["anna"]))
    async with Mailbox(tmp_path / "mails") as mailbox:
        settings = Settings(smtp_url=SecretStr(mailbox.url), signing_keys=[SecretStr("a key that signs the links")])
        by_hand = handwritten.Activities(store, settings, program.id)
        entry = handwritten.Entry("e1", "anna", 1)
        await by_hand.enter(entry)
        touch = await by_hand.decide(entry, False)
        assert touch is not None
        await by_hand.send(touch)
        await by_hand.leave(entry)
        await by_hand.mail.close()
    async with store.reading() as tx:
        assert await tx.scalar(select(touches.c.status)) == "sent"
        assert await tx.scalar(select(enrollments.c.ending)) == "exit"
        kinds = [row["kind"] for row in await tx.rows(select(trace.c.kind).order_by(trace.c.id))]
    assert kinds == ["entered", "waiting", "timed out", "chose", "claimed", "sent", "ended"]
    assert [accept.to for accept in read_accepts(tmp_path / "mails")] == [["anna@example.com"]]
