"""Every kind of entry: written, published and entered."""

from __future__ import annotations

from datetime import UTC, datetime

from idic.identify.messages import IncomingMessage
from idic.journey.engine.trace import sentence
from idic.publish import publish
from idic.store import tables
from idic.store.customer.ingest import accept
from idic.store.database import Store
from idic.store.enrollment import enrollments
from tests.conftest import HandClock
from tests.journey.read_fixtures import compiled, spoken
from tests.router.world import World

VOCABULARY = """
zone: Europe/Berlin
customer:
  renews_on: date
  birthday: date
  wishlist: list of text
  orders: {type: number, default: 0, counts: Order Completed}
things:
  product: {sku: text}
events:
  Order Completed: {total: money}
  Price Dropped: {about: product, sku: {type: text, required: true}}
"""


def journey(*identify: str) -> str:
    lines = "\n".join(f"  {line}" for line in identify)
    return f"journey: trip\npurpose: service\nidentify:\n{lines}\ninteract:\n  - {{id: rest, wait: 1 hour}}\n"


async def published(store: Store, clock: HandClock, *identify: str) -> World:
    compilation = compiled(journey(*identify), vocabulary=VOCABULARY)
    assert not spoken(compilation.problems)
    await publish(store, compilation)
    return World(store, clock)


async def lives_until(world: World, clock: HandClock, *instants: str) -> list[str]:
    """The first trace entry of each enrollment, with its time."""
    for instant in instants:
        clock.instant = datetime.fromisoformat(instant).replace(tzinfo=UTC)
        await world.sweep()
        for one in await world.enrollments():
            if one.open:
                await world.work(one.id)
    told = []
    async with world.store.reading() as tx:
        for one in await world.enrollments():
            (first, *_) = await enrollments.traced(tx, one.id)
            told.append(f"{first.at:%m-%d %H:%M} {sentence(first.kind, None, first.why)}")
    return told


async def test_every_day_those_who_never_ordered(store: Store, clock: HandClock) -> None:
    world = await published(
        store, clock, "every: day at 06:00", "if: customer.orders == 0", "at_most: 3 a day", "ends: 2026-03-29"
    )
    await world.customer()
    await world.happens(await world.customer(), "Order Completed")
    days = ("2026-03-28 05:00", "2026-03-29 03:59", "2026-03-29 04:00", "2026-03-30 04:00")
    because = "entered: every day at 06:00"
    assert await lives_until(world, clock, *days) == [f"03-28 05:00 {because}", f"03-29 04:00 {because}"]


async def test_once(store: Store, clock: HandClock) -> None:
    world = await published(store, clock, "once: 2026-12-01 09:00")
    await world.customer()
    assert await lives_until(world, clock, "2026-12-01 07:59", "2026-12-01 08:00", "2027-12-01 08:00") == [
        "12-01 08:00 entered: once, on 2026-12-01 09:00"
    ]


async def test_days_before_a_date_where_they_live(store: Store, clock: HandClock) -> None:
    world = await published(
        store, clock, "date: 5 days before customer.renews_on", "at: 10:00", "only: test customers", "starts: 2026-03-20"
    )
    await world.customer(renews_on="2026-03-29", test=True, zone="America/New_York")
    await world.customer(renews_on="2026-03-29")
    assert await lives_until(world, clock, "2026-03-24 09:00", "2026-03-24 14:00") == [
        "03-24 14:00 entered: 5 days before renews_on 2026-03-29"
    ]


async def test_a_birthday(store: Store, clock: HandClock) -> None:
    world = await published(store, clock, "date: every year on customer.birthday")
    await world.customer(birthday="1992-02-29")
    assert await lives_until(world, clock, "2026-03-20 08:00", "2027-02-28 08:00") == [
        "02-28 08:00 entered: birthday 2027-02-28, as every year"
    ]


async def test_a_thing_that_somebody_wants(store: Store, clock: HandClock) -> None:
    world = await published(store, clock, "on: Price Dropped", "for_each: event.sku in customer.wishlist")
    wants = await world.customer(wishlist=["boots"])
    await world.customer(wishlist=["hat"])
    message = IncomingMessage("track", "Price Dropped", {"sku": "boots"}, message_id="p1")
    await store.move("accept", lambda tx: accept(tx, [message, message]))
    await store.move("accept", lambda tx: accept(tx, [message]))
    await lives_until(world, clock, "2026-03-20 08:00")
    assert [one.customer_id for one in await world.enrollments()] == [wants]
    assert len(await world.rows(tables.events)) == 1
