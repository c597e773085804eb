"""Strange data at strange moments: one customer's broken event harms no other, and nothing known is lost."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from idic.differentiate.profile import zone_of
from idic.interact.channels.contract import Refused
from idic.interact.policy.touch_request import TouchRequest
from idic.journey.program.entry import Again, Entry, Goal
from idic.journey.program.steps import Branch, Choose
from idic.journey.program.values import Attribute, Condition, Pattern
from idic.journey.vocabulary.types import MONEY
from idic.router.loop import Router
from idic.router.temporal import TemporalWorkflows
from idic.store import tables
from idic.store.database import Store, Tx
from idic.store.enrollment.enrollments import StateUnreadable
from tests.conftest import HandClock
from tests.journey.programs import arm, goal, hours, out, program, send, to, wait, wait_for
from tests.router.world import World


@pytest.fixture
def world(store: Store, clock: HandClock) -> World:
    return World(store, clock)


async def test_what_was_learned_just_before_a_merge_stays(world: World) -> None:
    visitor, anna = await world.customer(email=None, city="Rome"), await world.customer(email=None)
    await world.accept(anna, "", {"email": "anna@example.com"}, kind="identify")
    await world.accept(anna, "Viewed", merges=visitor)
    await world.route(anna)
    async with world.store.reading() as tx:
        (row,) = await tx.rows(tables.customers.select().where(tables.customers.c.id == anna))
    assert (row["traits"]["email"], row["traits"]["city"]) == ("anna@example.com", "Rome")


async def test_what_the_visitor_did_before_the_merge_counts_for_the_deadline(world: World) -> None:
    await world.publish(program(wait_for("ask", 1, arm("Yes", out("yes")), otherwise=out("silence"))))
    visitor, anna = await world.customer(email=None), await world.customer()
    await world.happens(anna, "Signed Up")
    world.clock.advance(minutes=30)
    await world.accept(visitor, "Viewed")
    world.clock.advance(minutes=1)
    await world.accept(anna, "Viewed", merges=visitor)
    await world.accept(visitor, "Yes")  # accepted as the visitor's, a moment before anybody merged the two
    world.clock.advance(hours=2)
    await world.work((await world.only()).id)
    assert await world.ending() == "yes"
    assert await world.unrouted(anna) == []


@pytest.mark.parametrize(
    ("name", "properties"),
    [
        ("Consent Given", {"channel": "c" * 21}),
        ("Cart Updated", {"cart": "".join(chr(0x4E00 + n) for n in range(12000))}),
        ("Cart Updated", {"cart": 10**400}),
        ("Cart Updated", {"cart": "fine", "total": 10**400}),
    ],
)
async def test_no_event_blocks_its_customer(world: World, name: str, properties: dict[str, object]) -> None:
    spent = Attribute(type=MONEY, default=0, sums=("Cart Updated", "total"))
    rich = Condition(text="customer.spent > 5", cel="customer.spent > 5.0", reads={"customer.spent": spent})
    trip = program(
        wait("rest", 1, to("pick")),
        Choose(id="pick", branches=(Branch(when=rich, then=out("rich")),), otherwise=out("poor")),
        entry=Entry(on=(Pattern(on="Cart Updated"),), key="cart"),
        customer={"spent": spent},
    )
    await world.publish(trip)
    anna = await world.customer()
    await world.happens(anna, name, properties)
    await world.happens(anna, "Cart Updated", {"cart": "c1", "total": 3})
    world.clock.advance(hours=1)
    for one in await world.enrollments():
        await world.work(one.id)
    mine = [one for one in await world.enrollments() if one.key == "c1"]
    assert [one.state.ended.reason for one in mine if one.state.ended] == ["poor"]


async def test_a_sum_is_of_money_in_the_declared_currency(world: World) -> None:
    spent = Attribute(type=MONEY, default=0, sums=("Bought", "total"))
    rich = Condition(text="customer.spent > 60", cel="customer.spent > 60.0", reads={"customer.spent": spent})
    trip = program(
        Choose(id="pick", branches=(Branch(when=rich, then=out("rich")),), otherwise=out("poor")), customer={"spent": spent}
    )
    await world.publish(trip)
    anna = await world.customer()
    for properties in ({"total": 50}, {"total": 40, "currency": "USD"}, {"total": "nan"}, {"total": "inf"}):
        await world.happens(anna, "Bought", properties)
    await world.happens(anna, "Signed Up")
    assert await world.ending() == "poor"
    await world.happens(anna, "Bought", {"total": "11"})
    await world.happens(anna, "Signed Up")
    assert [one.state.ended.reason for one in await world.enrollments() if one.state.ended][-1] == "rich"


async def test_one_customer_who_cannot_be_routed_keeps_nobody_waiting(world: World) -> None:
    await world.publish(program(wait("rest", 1)))
    stuck, free = await world.customer(), await world.customer()
    await world.happens(stuck, "Signed Up")

    async def of_a_newer_version(tx: Tx) -> None:
        await tx.execute(update(tables.enrollments).values(semantics=99))

    await world.store.move("upgrade", of_a_newer_version)
    await world.accept(stuck, "Viewed")
    await world.accept(free, "Signed Up")
    router = Router(world.store, world.runtime, TemporalWorkflows(None))  # type: ignore[arg-type]
    await router._renew()
    await router.route()
    assert await world.unrouted(free) == []
    assert len(await world.unrouted(stuck)) == 1  # kept, for a version that can read it
    assert await router.route() == 0  # and not tried again at once
    with pytest.raises(StateUnreadable):
        await world.route(stuck)


async def test_a_click_before_our_record_of_the_sending_counts(world: World) -> None:
    trip = program(
        send("nudge", to("ask")),
        wait_for("ask", 24, arm("Link Clicked", out("clicked"), of="nudge"), otherwise=out("silence")),
    )
    await world.publish(trip)
    anna = await world.customer()
    await world.happens(anna, "Signed Up")
    one = await world.only()
    touch = (await world.advance(one.id)).deliver[0].touch
    await world.delivering._attempt(touch)  # the provider says yes, and the worker is killed
    world.clock.advance(seconds=10)
    await world.happens(anna, "Link Clicked", enrollment_id=one.id, step="nudge")
    world.clock.advance(seconds=20)
    await world.deliver(touch)
    await world.work(one.id)
    assert await world.ending() == "clicked"


async def test_a_message_that_cannot_be_composed_was_not_sent(world: World) -> None:
    await world.publish(program(send("nudge", out("went"), out("did not go"))))
    anna = await world.customer()
    await world.happens(anna, "Signed Up")

    class Clumsy:
        account = "smtp"

        def compose(self, parcel: object) -> object:
            raise KeyError("anna@example.com")

    world.delivering.couriers = {"smtp": Clumsy()}  # type: ignore[dict-item]
    await world.work((await world.only()).id)
    (touch,) = await world.touches()
    assert (touch.status, touch.reason) == ("failed", "compose_failed")
    assert await world.ending() == "did not go"


async def test_two_customers_share_an_address_where_nobody_is(world: World) -> None:
    await world.publish(program(send("nudge", out("went"), out("did not go"))))
    customers = [await world.customer() for _ in range(3)]
    world.postman.answers = [Refused("no_such_mailbox", "550 5.1.1")] * 2
    instructions = []
    for customer in customers[:2]:
        await world.happens(customer, "Signed Up")
        (one,) = await world.enrollments(customer)
        instructions.append(await world.advance(one.id))
    for instruction in instructions[:1]:
        await world.deliver(instruction.deliver[0].touch)
    attempts = [touch for touch in await world.touches() if touch.status == "claimed"]
    assert len(attempts) == 1
    await world.deliver(attempts[0].id)
    await world.happens(customers[2], "Signed Up")
    assert len(world.postman.taken) == 1  # the address is suppressed by then
    assert {touch.status for touch in await world.touches()} == {"failed"}


async def test_a_restarted_enrollment_is_not_credited_beside_its_successor(world: World) -> None:
    entry = Entry(on=(Pattern(on="Booked"),), key="id", while_in="restart", again=Again(kind="always"))
    bought = Goal(on=(Pattern(on="Order Completed"),), within=hours(48))
    await world.publish(program(wait("rest", 24), entry=entry, goal=bought))
    anna = await world.customer()
    await world.happens(anna, "Booked", {"id": 1})
    world.clock.advance(hours=1)
    await world.happens(anna, "Booked", {"id": 1})
    world.clock.advance(hours=1)
    await world.happens(anna, "Order Completed")
    assert [one.goal_at is not None for one in await world.enrollments()] == [False, True]


async def test_goal_comes_before_a_wait_that_nobody_had_opened_yet(world: World) -> None:
    trip = program(
        wait("rest", 1, to("ask")), wait_for("ask", 5, arm("Order Completed", out("took it"))), goal=goal("Order Completed")
    )
    await world.publish(trip)
    anna = await world.customer()
    await world.happens(anna, "Signed Up")
    world.clock.advance(hours=2)
    await world.happens(anna, "Order Completed")
    ended = (await world.only()).state.ended
    assert ended is not None
    assert ended.kind == "goal"


def test_a_zone_that_does_not_exist_is_no_zone() -> None:
    assert zone_of({"zone": "Mars/Olympus"}, "Europe/Berlin") == "Europe/Berlin"
    assert zone_of({"timezone": "Asia/Tokyo"}, "UTC") == "Asia/Tokyo"


class Chokes:
    """A bug of ours that one journey meets."""

    name = "chokes"

    def __call__(self, request: TouchRequest) -> None:
        if request.journey == "byes":
            raise RuntimeError("a bug")


async def test_a_no_holds_although_a_journey_chokes_on_it(store: Store, clock: HandClock) -> None:
    world = World(store, clock, Chokes())
    await world.publish(program(send("nudge", out("went")), purpose="marketing"))
    byes = Entry(on=(Pattern(on="Consent Withdrawn"),))
    await world.publish(program(send("bye", out("went")), journey="byes", entry=byes))
    anna = await world.customer()
    await world.happens(anna, "Consent Given", {"channel": "email"})
    await world.happens(anna, "Signed Up")
    (delivery,) = (await world.advance((await world.only()).id)).deliver
    await world.accept(anna, "Consent Withdrawn", {"channel": "email"})
    await world.deliver(delivery.touch)
    assert world.postman.taken == []
    assert [row.reason for row in await world.touches()] == ["consent"]
