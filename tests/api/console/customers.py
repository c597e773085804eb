"""Store customers of a shop and their messages, as idic would."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import insert

from idic.interact.channels.channel_edge import MessageCopy
from idic.journey.program.entry import Entry
from idic.journey.program.program import Program
from idic.journey.program.values import DONE, Pattern
from idic.store.database import Store, Tx
from idic.store.enrollment import message_copies, web_placements
from idic.store.enrollment import touches as touch_rows
from idic.store.journey import programs
from idic.store.tables import consents, customers, enrollments, events, identities, touches, trace

ANNA, BELA = "a" * 32, "b" * 32
JOURNEY = "cart"
MAIL, TEXT, BANNER = "1" * 32, "2" * 32, "3" * 32
HOSTILE = "<script>alert('hello')</script>"


async def fill_store(store: Store, *, bela_mails: int = 0) -> None:
    """Store Anna in Berlin with a mail, an SMS and a banner, and Bela, whose name is a script, with ``bela_mails`` mails."""

    async def work(tx: Tx) -> None:
        now = tx.now()
        entry = Entry(on=(Pattern(on="Cart Updated"),))
        program = Program(journey=JOURNEY, title="Win back a cart", entry=entry, first=DONE, steps={})
        await programs.publish(tx, program, now)
        for id, traits in (
            (ANNA, {"first_name": "Anna", "email": "anna@example.com", "phone": "+4915112345678", "zone": "Europe/Berlin"}),
            (BELA, {"first_name": HOSTILE, "email": "bela@example.com", HOSTILE: HOSTILE}),
        ):
            await tx.execute(insert(customers).values(id=id, traits=traits, created_at=now, updated_at=now))
            user = traits["email"].partition("@")[0]
            await tx.execute(insert(identities).values(kind="user_id", value=f"u-{user}", customer_id=id, created_at=now))
            await tx.execute(insert(enrollments).values(_enrollment(id, program, now)))
        await tx.execute(
            insert(trace).values(
                enrollment_id=ANNA,
                at=now,
                kind="waiting",
                step="cool_off",
                why={"until": (now + timedelta(hours=4)).isoformat()},
            )
        )
        await tx.execute(insert(consents).values(customer_id=ANNA, channel="sms", topic="carts", given=True, at=now))
        await tx.execute(
            insert(events).values(
                message_id="m1",
                customer_id=BELA,
                partition=0,
                kind="track",
                name=HOSTILE,
                properties={HOSTILE: HOSTILE},
                occurred_at=now,
                accepted_at=now,
            )
        )
        await add_message(
            tx, MAIL, "email", MessageCopy("anna@example.com", "Hello Anna", "Still thinking?", _HTML), opened_at=now
        )
        await add_message(
            tx, TEXT, "sms", MessageCopy("+4915112345678", "Anna, your cart waits: http://idic/s/abc"), segments=1
        )
        await add_message(
            tx, BANNER, "web", MessageCopy("home_hero", "Your cart", None, "<p>Your cart waits</p>"), shown_at=now
        )
        await web_placements.place(
            tx,
            await touch_rows.get(tx, BANNER),
            slot="home_hero",
            html="<p>Your cart waits</p>",
            links=(),
            ends_on_click=True,
            at=now,
            until=now + timedelta(days=2),
        )
        for number in range(bela_mails):
            copy = MessageCopy("bela@example.com", "Hello", f"{HOSTILE} {number}", f"<p>{HOSTILE}</p>")
            await add_message(tx, f"{number:032x}", "email", copy, of=BELA, minutes=number + 1)

    await store.move("test", work)


_HTML = (
    "<!doctype html><html><head><title>x</title></head><body><p>Hello Anna</p><script>alert(1)</script>"
    "<img src='https://elsewhere.example/spy.png'><a href='http://idic/l/token'>To your cart</a></body></html>"
)


def _enrollment(customer: str, program: Program, now: Any) -> dict[str, Any]:
    state = {"segment": "vip"} if customer == ANNA else {}
    return {
        "id": customer, "customer_id": customer, "journey": JOURNEY, "program_id": program.id, "key": f"{customer[0]}-1",
        "semantics": 1, "seq": 1, "state": state, "step": "cool_off", "deadline": now + timedelta(hours=4),
        "entered_at": now - timedelta(minutes=int(customer, 16) % 60),
    }  # fmt: skip


async def add_message(
    tx: Tx, id: str, channel: str, copy: MessageCopy, *, of: str = ANNA, minutes: int = 0, **columns: Any
) -> None:
    at = tx.now() + timedelta(minutes=minutes)
    touch = {
        "id": id, "enrollment_id": of, "customer_id": of, "step": f"nudge_{id[-4:]}", "round": 1, "channel": channel,
        "message": "cart_reminder", "account": channel, "status": "sent", "attempts": 1, "deliver_by": at, "claimed_at": at,
        "settled_at": at, **columns,
    }  # fmt: skip
    await tx.execute(insert(touches).values(touch))
    await message_copies.keep(tx, id, copy, at)
