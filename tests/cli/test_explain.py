"""``idic explain`` on a real store: what happened, what did not and why, and that what it suggests is true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from idic.cli.run import explain
from idic.errors import NotFound
from idic.journey.contact_policy.contact_policy import Cap, Policy
from idic.journeys_folder import compile_folder
from idic.store.customer import consents
from idic.store.database import Store, Tx
from idic.store.journey import policies, programs
from idic.times import Duration
from tests.conftest import HandClock
from tests.router.world import World

PROGRAMS = compile_folder(Path(__file__).parents[2] / "journeys").programs
CART = {"cart_id": "c1", "total": 95, "items": []}
EMAIL = "anna@example.com"


@pytest.fixture
def world(store: Store, clock: HandClock) -> World:
    """It is Monday, 2 March 2026, 10:00 in Berlin."""
    return World(store, clock)


async def shopper(world: World, *journeys: str, **traits: Any) -> str:
    await world.publish(*(PROGRAMS[name] for name in journeys or ("abandoned_cart",)))
    return await world.customer(first_name="Anna", zone="Europe/Berlin", **traits)


async def later(world: World, **span: float) -> None:
    world.clock.advance(**span)
    for enrollment in await world.enrollments():
        if enrollment.open:
            await world.work(enrollment.id)


async def told(world: World, capsys: pytest.CaptureFixture[str], who: str = EMAIL, journey: str | None = None) -> list[str]:
    explain.show(await explain.explained(world.store, who, journey))
    return capsys.readouterr().out.splitlines()


def labelled(lines: list[str], label: str) -> list[str]:
    """What stands behind a label, and on the lines below it that have none."""
    found: list[str] = []
    for line in lines:
        if line.startswith(label) or (found and line.startswith(" " * 14)):
            found.append(line[14:])
        elif found:
            break
    return found


async def test_what_happened_is_told_where_they_live(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    anna = await shopper(world, value_tier="high")
    await world.happens(anna, "Consent Given", {"channel": "email"})
    await world.happens(anna, "Cart Updated", CART)
    await later(world, hours=4)
    assert await told(world, capsys) == [
        "Anna (anna@example.com) · lives in Europe/Berlin",
        "",
        "abandoned_cart · c1 · Win back an abandoned cart",
        "Mon 02 Mar 2026 10:00  entered: Cart Updated (total 95.00 EUR >= 30)",
        'Mon 02 Mar 2026 10:00  segment vip (value_tier "high")',
        "Mon 02 Mar 2026 10:00  cool_off: waits until Mon 02 Mar 2026 14:00",
        "Mon 02 Mar 2026 14:00  cool_off: silence for long enough",
        "Mon 02 Mar 2026 14:00  nudge: best of email, web, sms → email (no answer known yet, so as listed; "
        "web: has never been seen on the web; sms: has no phone number)",
        "Mon 02 Mar 2026 14:00  nudge: cart_reminder by email: allowed to send",
        "Mon 02 Mar 2026 14:00  nudge: sent by email",
        "Mon 02 Mar 2026 14:00  reaction: waits until Wed 04 Mar 2026 14:00",
        "NOW           waiting in reaction until Wed 04 Mar 2026 14:00",
        "WHY NO SMS    now: the customer has no phone number",
        "              nudge was sent by email",
        "WHY NO WEB    now: the customer has never been seen on the web",
        "              nudge was sent by email",
        "WOULD HELP    a phone number that takes SMS and consent to SMS (topic cart_reminders) would help",
        "              a visit to the site (valid for 30 days) would help; nothing else blocks the web",
    ]


async def test_a_suggestion_is_true(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Who asks for what is suggested, gets the message."""
    anna = await shopper(world, phone="+4915112345678")
    await world.happens(anna, "Consent Withdrawn", {"channel": "email"})
    await world.happens(anna, "Cart Updated", CART)
    await later(world, hours=4)
    lines = await told(world, capsys)
    assert labelled(lines, "WHY NO EMAIL") == [
        "now: withdrew consent to email on 2026-03-02, since Mon 02 Mar 2026 10:00",
    ]
    assert labelled(lines, "WOULD HELP")[0] == "consent to email (topic cart_reminders) would help; nothing else blocks it"
    await world.happens(anna, "Consent Given", {"channel": "email", "topic": "cart_reminders"})
    await world.happens(anna, "Cart Updated", {**CART, "cart_id": "c2"})
    await later(world, hours=4)
    lines = await told(world, capsys)
    assert "Mon 02 Mar 2026 18:00  nudge: sent by email" in lines


async def test_another_channel_is_proposed_where_it_is_reached_and_allowed(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """A tip goes by mail, to which they said no; to SMS they said yes."""
    anna = await shopper(world, "welcome", phone="+4915112345678")
    await world.happens(anna, "Consent Given", {"channel": "sms"})
    await world.happens(anna, "Signed Up", {})
    await later(world, minutes=20)
    helps = labelled(await told(world, capsys), "WOULD HELP")
    assert 'by: {first_of: [email, sms]}; welcome then needs content for sms (on step "hello")' in helps
    assert helps[0] == "consent to email (topic news) would help; nothing else blocks it"


async def test_a_suppressed_address_is_said_with_its_day(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    anna = await shopper(world)
    await world.happens(anna, "Consent Given", {"channel": "email"})

    async def suppress(tx: Tx) -> None:
        await consents.suppress(tx, "email", EMAIL, "hard bounce", tx.now())

    await world.store.move("suppress", suppress)
    await world.happens(anna, "Cart Updated", CART)
    await later(world, hours=4)
    lines = await told(world, capsys)
    assert labelled(lines, "WHY NO EMAIL") == [
        "now: the address is suppressed: hard bounce, since Mon 02 Mar 2026 10:00",
    ]
    assert "another email address would help; nothing else blocks email" in labelled(lines, "WOULD HELP")


async def test_a_message_that_came_too_late_is_told_how_much(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the evening of Tokyo its hours are over; with as much time as is proposed it leaves in the morning."""

    async def sends(within: str) -> list[str]:
        text = (
            "journey: late\npurpose: service\nidentify: {on: Page Viewed, again: always}\n"
            f"interact: [{{id: word, send: hello, by: email, at: 09:00 to 18:00, within: {within}}}]\n"
            "customize: {hello: {email: {subject: Hello, body: Hello}}}\n"
        )
        (tmp_path / "late.yaml").write_text(text)
        await world.publish(compile_folder(tmp_path).programs["late"])
        await world.happens(hina, "Page Viewed", {})
        await later(world, hours=15, minutes=5)
        return await told(world, capsys, "hina@example.com")

    hina = await world.customer(email="hina@example.com", zone="Asia/Tokyo")
    lines = await sends("6 hours")
    proposed = 'within: 16 hours or longer instead of 6 hours: its hours begin then (on step "word")'
    assert labelled(lines, "WOULD HELP") == [proposed]
    assert "word on Mon 02 Mar 2026 18:00: too late: within 6 hours, at 09:00 to 18:00" in labelled(lines, "WHY NO EMAIL")
    world.clock.instant = world.clock.instant.replace(hour=9, minute=0)
    assert "Wed 04 Mar 2026 09:05  word: sent by email" in await sends("16 hours")


async def test_a_cap_that_is_full_says_when_it_has_room_and_what_would_let_it_go_now(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    cap = Cap(id="one_a_week", at_most=1, per=Duration(seconds=7 * 86_400), channels=("email",))
    await world.store.move("policy", lambda tx: policies.publish(tx, Policy(caps=(cap,)), tx.now()))
    anna = await shopper(world, "abandoned_cart", value_tier="high")
    await world.happens(anna, "Consent Given", {"channel": "email"})
    await world.happens(anna, "Cart Updated", CART)
    await world.happens(anna, "Cart Updated", {**CART, "cart_id": "c2"})
    await later(world, hours=4)
    lines = await told(world, capsys)
    lines = lines[lines.index("abandoned_cart · c2 · Win back an abandoned cart") :]
    full = "1 of 1 email in 7 days (one_a_week); the next is possible on Mon 09 Mar 14:00"
    assert f"now: {full}, until Mon 09 Mar 2026 14:00" in labelled(lines, "WHY NO EMAIL")
    helps = labelled(lines, "WOULD HELP")
    assert "time: email is possible from Mon 09 Mar 14:00, or a looser cap one_a_week in policy.yaml" in helps
    assert any(one.startswith("within: 169 hours or longer instead of 12 hours: caps would allow it then") for one in helps)
    # And so it is: a week later the next one leaves.
    await later(world, days=7, minutes=1)
    await world.happens(anna, "Cart Updated", {**CART, "cart_id": "c3"})
    await later(world, hours=4)
    assert len([touch for touch in await world.touches() if touch.status == "sent"]) == 2


async def test_who_was_not_let_in_hears_why_and_what_nobody_knows(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    anna = await shopper(world, "after_purchase", "win_back")
    goes_with = [{"sku": "k1", "name": "Kettle", "price": 64, "url": "https://shop.example/k1"}]
    await world.happens(anna, "Order Completed", {"order_id": "o1", "total": 20, "goes_with": goes_with})
    await world.happens(anna, "Order Completed", {"order_id": "o2", "total": 30, "goes_with": goes_with})
    lines = await told(world, capsys)
    assert labelled(lines, "NOT ENTERED") == [
        "after_purchase on Mon 02 Mar 2026 10:00, Order Completed: owns missing, goes_with 1 of them (2 times; the last one)",
        "win_back on Mon 02 Mar 2026 10:00, Order Completed: orders_180d 1 >= 3",
        "win_back on Mon 02 Mar 2026 10:00, Order Completed: orders_180d 2 >= 3",
    ]
    (only,) = labelled(lines, "WOULD HELP")
    assert only.startswith(
        "after_purchase: send customer.owns to idic: it is unknown, and its entry checks `known(customer.owns)"
    )
    assert labelled(await told(world, capsys, journey="win_back"), "WOULD HELP") == []
    await world.happens(anna, "Order Completed", {"order_id": "o3", "total": 30, "goes_with": []})
    # Whatever they own, nothing goes with this order: it would not help to know.
    assert labelled(await told(world, capsys, journey="after_purchase"), "WOULD HELP") == []


async def test_by_any_name_of_theirs_or_an_enrollments_id_and_nobody_else(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    anna = await shopper(world, phone="+4915112345678")
    await world.customer(first_name="Bela", email="bela@example.com")
    await world.happens(anna, "Cart Updated", CART)
    trip = await world.only()
    for who in (anna, EMAIL.upper(), "+4915112345678", trip.id):
        assert (await told(world, capsys, who))[0].startswith("Anna (")
    with pytest.raises(NotFound, match=r'no customer has "anna@exmaple\.com"') as nobody:
        await told(world, capsys, "anna@exmaple.com")
    assert "bela" not in str(nobody.value)
    with pytest.raises(NotFound, match='there is no journey "abandoned_card"; did you mean "abandoned_cart"'):
        await told(world, capsys, EMAIL, "abandoned_card")
    assert "none of their events could enter a journey" in await told(world, capsys, "bela@example.com")


async def test_tools_get_json(world: World) -> None:
    anna = await shopper(world)
    await world.happens(anna, "Cart Updated", CART)
    found = json.loads(explain.as_json(await explain.explained(world.store, anna, "abandoned_cart")))
    (trip,) = found["trips"]
    assert found["zone"] == "Europe/Berlin"
    assert trip["lines"][0] == {"at": "2026-03-02T09:00:00+00:00", "text": "entered: Cart Updated (total 95.00 EUR >= 30)"}
    assert trip["would_help"][0]["journey"] == "abandoned_cart"


async def test_a_pause_is_said_with_what_ends_it(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    anna = await shopper(world)
    await world.happens(anna, "Cart Updated", CART)

    async def pause(tx: Tx) -> None:
        await programs.pause(tx, "abandoned_cart", tx.now())

    await world.store.move("pause", pause)
    lines = await told(world, capsys)
    assert labelled(lines, "NOW") == [
        "waiting in cool_off until Mon 02 Mar 2026 14:00 · "
        "abandoned_cart has been paused since Mon 02 Mar 2026 10:00 and sends nothing"
    ]
    assert labelled(lines, "WOULD HELP")[0] == "idic resume abandoned_cart"
