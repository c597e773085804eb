"""The customers' pages: unsubscribe, confirm, see and erase data, and links that open nothing."""

from __future__ import annotations

import json
import re

import pytest

from idic.api.pages.page_texts import TEXTS
from idic.interact.tracking.links import Links
from idic.store.tables import customers
from tests.api.conftest import SECRET_KEY
from tests.api.pages.shop import BASE_URL, ExampleShop
from tests.api.pages.test_preferences import MAIL_CARTS, MAIL_NEWS, open_preferences

ENGLISH = {"Accept-Language": "en"}
FORM = {**MAIL_NEWS, "proof": "the form below the shop"}


async def test_a_mails_link_unsubscribes_from_its_topic_or_from_the_channel(example: ExampleShop) -> None:
    await open_preferences(example, MAIL_NEWS, MAIL_CARTS)
    page = await example.open(example.link("/u/"), **ENGLISH)
    topic, channel = "Stop “News from the shop” by email", "Stop all advertising by email"
    assert set(page.buttons) == {topic, channel}
    page = await page.click(topic)
    assert "You won't get “News from the shop” by email any more." in page.text
    (preferences,) = page.links
    await example.settle()
    there = await example.open(preferences)
    assert there.boxes == {"email:news": False, "email:cart_reminders": True, "fewer": False}
    await (await example.open(example.link("/u/"), **ENGLISH)).click(channel)
    await example.settle()
    assert (await example.consent_rows())[2:] == [
        ("email", "news", False, False, "unsubscribe page"),
        ("email", None, False, False, "unsubscribe page"),
    ]


async def test_the_button_confirms_a_subscription_and_opening_the_link_does_not(example: ExampleShop) -> None:
    await example.sign_up("anna", FORM)
    url = example.link("/c/")
    page = await example.open(url, **ENGLISH)
    assert "Would you like to get “News from the shop” by email?" in page.text
    assert [row["name"] for row in await example.own_events()] == []
    assert "Confirmed" in (await page.click("Yes, please")).text
    await example.settle()
    (said,) = [row["properties"] for row in await example.own_events()]
    assert (said["act"], said["confirmed"], said["topic"]) == ("double opt-in", True, "news")
    assert set(said["proof"]) == {"asked_at", "message", "sent_at", "confirmed_at"}
    # Twice is once; and nobody is asked again because of it.
    await example.advance(hours=3)
    again = await page.click("Yes, please")
    assert "You already confirmed this on March 2, 2026." in again.text
    await example.settle()
    assert (len(await example.own_events()), len(example.mail_recorder.mails)) == (1, 1)
    (trip,) = await example.world.enrollments()
    assert trip.state.ended is not None
    assert trip.state.ended.reason == "confirmed"


async def test_a_confirmation_link_expires_after_seven_days(example: ExampleShop) -> None:
    await example.sign_up("anna", FORM)
    page = await example.open(example.link("/c/"), **ENGLISH)
    await example.advance(days=7, seconds=1)
    for late in (await page.click("Yes, please"), await example.open(page.url, **ENGLISH)):
        assert (late.status, late.buttons) == (410, {})
        assert "It worked for seven days" in late.text
    assert await example.own_events() == []


async def test_a_confirmation_link_ends_when_the_customer_withdraws_consent(example: ExampleShop) -> None:
    await example.sign_up("anna", FORM)
    asked = await example.open(example.link("/c/"), **ENGLISH)
    await example.advance(minutes=1)
    await example.send_call("track", "anna", event="Consent Withdrawn", properties={"channel": "email"})
    for late in (await asked.click("Yes, please"), await example.open(asked.url, **ENGLISH)):
        assert (late.status, late.buttons) == (410, {})
        assert "You've since unsubscribed" in late.text
    assert await example.own_events() == []
    # The no is of no other channel.
    await example.sign_up("bert", FORM)
    await example.advance(minutes=1)
    await example.send_call("track", "bert", event="Consent Withdrawn", properties={"channel": "sms"})
    assert "Confirmed" in (await (await example.open(example.link("/c/"))).click("Yes, please")).text


async def test_pages_include_unrouted_events_in_their_order(example: ExampleShop) -> None:
    await open_preferences(example, MAIL_NEWS, MAIL_CARTS)
    preferences, said_at = example.link("/p/"), example.clock.now().isoformat()
    await example.advance(minutes=1)
    properties = {"channel": "email", "topic": "cart_reminders"}
    for number, word in enumerate(("Consent Withdrawn", "Consent Given")):
        told = {"userId": "anna", "messageId": f"late-{number}", "event": word, "properties": properties, "timestamp": said_at}
        assert (await example.browser.post("/v1/track", json=told, auth=(SECRET_KEY, ""))).status_code == 200
    expected = {"email:news": True, "email:cart_reminders": False, "fewer": False}
    assert (await example.open(preferences)).boxes == expected
    await example.settle()
    assert (await example.open(preferences)).boxes == expected


async def test_a_link_confirms_only_the_address_that_it_was_sent_to(example: ExampleShop) -> None:
    await open_preferences(example, first_name="Anna")
    preferences = example.link("/p/")
    await example.send_call("track", "anna", event="Consent Given", properties=FORM)
    confirm = await example.open(example.link("/c/"), **ENGLISH)
    await example.send_call("identify", "anna", traits={"email": "somebody.else@example.com"})
    assert (await confirm.click("Yes, please")).status == 404
    page = await example.open(preferences, **ENGLISH)
    await page.click("Save", email_cart_reminders=True)
    assert [row["properties"]["confirmed"] for row in await example.own_events() if row["name"] == "Consent Given"] == [False]


async def test_one_click_unsubscribes_every_customer_with_the_address(example: ExampleShop) -> None:
    await example.sign_up("anna", FORM)
    await example.sign_up("bert", FORM, email="Anna@example.com")
    await example.sign_up("carl", FORM)
    await example.sign_up("dora", FORM, email="anna@example.com")
    await example.send_call("identify", "dora", traits={"email": "dora@example.com"})
    url = example.links.unsubscribe((await example.world.touches())[0].id)
    answer = await example.browser.post(url, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    await example.settle()
    left = {row["customer_id"] for row in await example.own_events() if row["name"] == "Consent Withdrawn"}
    assert left == {(await example.customer(user))["id"] for user in ("anna", "bert")}


async def test_customers_get_a_mail_to_read_export_and_erase_their_data(example: ExampleShop) -> None:
    page = await open_preferences(example, first_name="Anna", spent=1234567.5)
    mails = len(example.mail_recorder.mails)
    for _ in range(3):
        page = await page.click("Send me the link")
    assert "We have sent you the link." in page.text
    await example.settle()
    assert len(example.mail_recorder.mails) == mails + 1
    data = await example.open(example.link("/d/"), **ENGLISH)
    for words in (
        "anna@example.com",
        "News from the shop",
        "allowed, in a form",
        "1,234,567.5",
        "Because of: Signed Up, March 2, 2026",
    ):
        assert words in data.text
    file, sure = data.links
    taken = await example.browser.get(file)
    assert (taken.headers["content-disposition"].split(";")[0], taken.headers["cache-control"]) == ("attachment", "no-store")
    assert json.loads(taken.content)["customer"]["attributes"]["first_name"] == "Anna"
    page = await example.open(BASE_URL + sure, **ENGLISH)
    assert (await example.customer())["erased_at"] is None
    assert "Everything is erased" in (await page.click("Yes, erase everything")).text
    assert not any("anna" in str(row).lower() for row in await example.world.rows(customers))
    for url in (data.url, example.link("/d/"), page.url):
        assert (await example.open(url, **ENGLISH)).status == 410
    for letter in example.mail_recorder.mails:
        for url in re.findall(rf'href="({BASE_URL}/[pu]/[^"]+)"', letter.html or ""):
            gone = await example.open(url, **ENGLISH)
            assert (gone.status, "We have no data about you" in gone.text) == (410, True)


async def test_a_data_link_expires_after_a_day(example: ExampleShop) -> None:
    await example.sign_up("anna")
    answer = await example.browser.post("/v1/customers/anna/links", auth=(SECRET_KEY, ""))
    assert answer.status_code == 200
    url = answer.json()["data_url"]
    assert (await example.open(url, **ENGLISH)).status == 200
    await example.advance(hours=24, seconds=1)
    for page in ("", "/file", "/erase"):
        late = await example.open(url + page, **ENGLISH)
        assert (late.status, "anna@" in late.text) == (410, False)
    assert (await example.browser.post(f"{url}/erase")).status_code == 410
    assert (await example.customer())["erased_at"] is None


async def test_only_a_secret_key_creates_links(example: ExampleShop) -> None:
    await example.sign_up("anna")
    assert (await example.browser.post("/v1/customers/anna/links")).status_code == 401
    assert (await example.browser.post("/v1/customers/nobody/links", auth=(SECRET_KEY, ""))).status_code == 404


async def test_no_link_opens_another_page_or_the_page_of_another_customer(example: ExampleShop) -> None:
    await open_preferences(example)
    touch = example.links.read_unsubscribe(example.link("/u/").rpartition("/")[2])
    tokens = {
        kind: url.rpartition("/")[2]
        for kind, url in {"u": example.links.unsubscribe(touch), **_pages(example.links, touch)}.items()
    }
    strange = Links(BASE_URL, ["the key of somebody else entirely"])
    for kind, token in tokens.items():
        forged = [f"/{other}/{token}" for other in tokens if other != kind]
        forged += [f"/{kind}/{token[:-1]}{'A' if token[-1] != 'A' else 'B'}", f"/{kind}/x", f"/{kind}/{touch}"]
        forged += [url.removeprefix(BASE_URL) for url in _pages(strange, touch).values()]
        for path in forged:
            page = await example.open(BASE_URL + path)
            # Who tries too many is not even told that they are wrong.
            assert page.status in (404, 429), path
            assert "a•••" not in page.text
    # A key that was in front is still read, one that was dropped is not.
    turned = Links(BASE_URL, ["the new key that signs from now on", "a key of our own to sign links with"])
    assert turned.read_preferences(tokens["p"]).touch == touch
    assert (await example.open(example.links.preferences("0" * 32))).status in (404, 429)


async def test_pages_are_not_cached_indexed_or_sent_as_referrer(example: ExampleShop) -> None:
    page = await open_preferences(example)
    for url in (page.url, example.link("/u/"), BASE_URL + "/d/x"):
        headers = (await example.open(url)).answer.headers
        assert (headers["cache-control"], headers["referrer-policy"]) == ("no-store", "no-referrer")
        assert headers["x-robots-tag"] == "noindex, nofollow"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


async def test_the_link_of_a_merged_customer_still_works(example: ExampleShop) -> None:
    page = await open_preferences(example)
    await example.send_call("identify", "anna", anonymousId="phone", traits={"first_name": "Anna"})
    assert (await example.open(page.url, **ENGLISH)).status == 200


@pytest.mark.parametrize("language", TEXTS)
def test_every_language_has_every_text_with_the_same_placeholders(language: str) -> None:
    first = next(iter(TEXTS.values()))
    places = re.compile(r"\{\w+\}")
    assert {key: sorted(places.findall(text)) for key, text in TEXTS[language].items()} == {
        key: sorted(places.findall(text)) for key, text in first.items()
    }


def _pages(links: Links, touch: str) -> dict[str, str]:
    return {"p": links.preferences(touch), "c": links.confirm(touch), "d": links.data(touch)}
