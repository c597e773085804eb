"""The customers' pages: unsubscribe, confirm, see and erase data, and links that open nothing."""

from __future__ import annotations

import json
import re

import pytest

from idic.api.pages.page_texts import TEXTS
from idic.interact.tracking.links import Links
from idic.store.tables import customers
from tests.api.conftest import SECRET_KEY
from tests.api.pages.shop import NOBODY, Town
from tests.api.pages.test_preferences import MAIL_CARTS, MAIL_NEWS, opened

ENGLISH = {"Accept-Language": "en"}
FORM = {**MAIL_NEWS, "proof": "the form below the shop"}


async def test_of_a_mail_its_topic_is_left_or_the_whole_channel(town: Town) -> None:
    await opened(town, MAIL_NEWS, MAIL_CARTS)
    page = await town.looks(town.link("/u/"), **ENGLISH)
    topic, channel = "Stop “News from the shop” by email", "Stop all advertising by email"
    assert set(page.buttons) == {topic, channel}
    page = await page.presses(topic)
    assert "You won't get “News from the shop” by email any more." in page.text
    (preferences,) = page.links
    await town.settles()
    there = await town.looks(preferences)
    assert there.boxes == {"email:news": False, "email:cart_reminders": True, "fewer": False}
    await (await town.looks(town.link("/u/"), **ENGLISH)).presses(channel)
    await town.settles()
    assert (await town.ledger())[2:] == [
        ("email", "news", False, False, "unsubscribe page"),
        ("email", None, False, False, "unsubscribe page"),
    ]


async def test_pressing_the_button_confirms_and_opening_the_link_does_not(town: Town) -> None:
    await town.signs_up("anna", FORM)
    url = town.link("/c/")
    page = await town.looks(url, **ENGLISH)
    assert "Would you like to get “News from the shop” by email?" in page.text
    assert [row["name"] for row in await town.own()] == []
    assert "Confirmed" in (await page.presses("Yes, please")).text
    await town.settles()
    (said,) = [row["properties"] for row in await town.own()]
    assert (said["act"], said["confirmed"], said["topic"]) == ("double opt-in", True, "news")
    assert set(said["proof"]) == {"asked_at", "message", "sent_at", "confirmed_at"}
    # Twice is once; and nobody is asked again because of it.
    await town.lets(hours=3)
    again = await page.presses("Yes, please")
    assert "You already confirmed this on March 2, 2026." in again.text
    await town.settles()
    assert (len(await town.own()), len(town.post.letters)) == (1, 1)
    (trip,) = await town.world.enrollments()
    assert trip.state.ended is not None
    assert trip.state.ended.reason == "confirmed"


async def test_a_confirmation_of_last_week_says_so_kindly(town: Town) -> None:
    await town.signs_up("anna", FORM)
    page = await town.looks(town.link("/c/"), **ENGLISH)
    await town.lets(days=7, seconds=1)
    for late in (await page.presses("Yes, please"), await town.looks(page.url, **ENGLISH)):
        assert (late.status, late.buttons) == (410, {})
        assert "It worked for seven days" in late.text
    assert await town.own() == []


async def test_an_old_question_subscribes_nobody_who_has_said_no_since(town: Town) -> None:
    await town.signs_up("anna", FORM)
    asked = await town.looks(town.link("/c/"), **ENGLISH)
    await town.lets(minutes=1)
    await town.tells("track", "anna", event="Consent Withdrawn", properties={"channel": "email"})
    for late in (await asked.presses("Yes, please"), await town.looks(asked.url, **ENGLISH)):
        assert (late.status, late.buttons) == (410, {})
        assert "You've since unsubscribed" in late.text
    assert await town.own() == []
    # The no is of no other channel.
    await town.signs_up("bert", FORM)
    await town.lets(minutes=1)
    await town.tells("track", "bert", event="Consent Withdrawn", properties={"channel": "sms"})
    assert "Confirmed" in (await (await town.looks(town.link("/c/"))).presses("Yes, please")).text


async def test_pages_see_what_is_not_routed_yet_in_the_order_in_which_it_was_said(town: Town) -> None:
    await opened(town, MAIL_NEWS, MAIL_CARTS)
    preferences, said_at = town.link("/p/"), town.clock.now().isoformat()
    await town.lets(minutes=1)
    properties = {"channel": "email", "topic": "cart_reminders"}
    for number, word in enumerate(("Consent Withdrawn", "Consent Given")):
        told = {"userId": "anna", "messageId": f"late-{number}", "event": word, "properties": properties, "timestamp": said_at}
        assert (await town.browser.post("/v1/track", json=told, auth=(SECRET_KEY, ""))).status_code == 200
    expected = {"email:news": True, "email:cart_reminders": False, "fewer": False}
    assert (await town.looks(preferences)).boxes == expected
    await town.settles()
    assert (await town.looks(preferences)).boxes == expected


async def test_who_reads_the_mails_of_one_address_owns_no_other(town: Town) -> None:
    await opened(town, first_name="Anna")
    preferences = town.link("/p/")
    await town.tells("track", "anna", event="Consent Given", properties=FORM)
    confirm = await town.looks(town.link("/c/"), **ENGLISH)
    await town.tells("identify", "anna", traits={"email": "somebody.else@example.com"})
    assert (await confirm.presses("Yes, please")).status == 404
    page = await town.looks(preferences, **ENGLISH)
    await page.presses("Save", email_cart_reminders=True)
    assert [row["properties"]["confirmed"] for row in await town.own() if row["name"] == "Consent Given"] == [False]


async def test_who_leaves_leaves_as_every_customer_at_their_address(town: Town) -> None:
    await town.signs_up("anna", FORM)
    await town.signs_up("bert", FORM, email="Anna@example.com")
    await town.signs_up("carl", FORM)
    await town.signs_up("dora", FORM, email="anna@example.com")
    await town.tells("identify", "dora", traits={"email": "dora@example.com"})
    url = town.links.unsubscribe((await town.world.touches())[0].id)
    answer = await town.browser.post(url, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    await town.settles()
    left = {row["customer_id"] for row in await town.own() if row["name"] == "Consent Withdrawn"}
    assert left == {(await town.customer(user))["id"] for user in ("anna", "bert")}


async def test_what_is_known_comes_by_mail_and_can_be_read_taken_and_erased(town: Town) -> None:
    page = await opened(town, first_name="Anna", spent=1234567.5)
    mails = len(town.post.letters)
    for _ in range(3):
        page = await page.presses("Send me the link")
    assert "We have sent you the link." in page.text
    await town.settles()
    assert len(town.post.letters) == mails + 1
    data = await town.looks(town.link("/d/"), **ENGLISH)
    for words in (
        "anna@example.com",
        "News from the shop",
        "allowed, in a form",
        "1,234,567.5",
        "Because of: Signed Up, March 2, 2026",
    ):
        assert words in data.text
    file, sure = data.links
    taken = await town.browser.get(file)
    assert (taken.headers["content-disposition"].split(";")[0], taken.headers["cache-control"]) == ("attachment", "no-store")
    assert json.loads(taken.content)["customer"]["attributes"]["first_name"] == "Anna"
    page = await town.looks(NOBODY + sure, **ENGLISH)
    assert (await town.customer())["erased_at"] is None
    assert "Everything is erased" in (await page.presses("Yes, erase everything")).text
    assert not any("anna" in str(row).lower() for row in await town.world.rows(customers))
    for url in (data.url, town.link("/d/"), page.url):
        assert (await town.looks(url, **ENGLISH)).status == 410
    for letter in town.post.letters:
        for url in re.findall(rf'href="({NOBODY}/[pu]/[^"]+)"', letter.html or ""):
            gone = await town.looks(url, **ENGLISH)
            assert (gone.status, "We have no data about you" in gone.text) == (410, True)


async def test_a_link_to_what_is_known_ends_after_a_day(town: Town) -> None:
    await town.signs_up("anna")
    answer = await town.browser.post("/v1/customers/anna/links", auth=(SECRET_KEY, ""))
    assert answer.status_code == 200
    url = answer.json()["data_url"]
    assert (await town.looks(url, **ENGLISH)).status == 200
    await town.lets(hours=24, seconds=1)
    for page in ("", "/file", "/erase"):
        late = await town.looks(url + page, **ENGLISH)
        assert (late.status, "anna@" in late.text) == (410, False)
    assert (await town.browser.post(f"{url}/erase")).status_code == 410
    assert (await town.customer())["erased_at"] is None


async def test_links_are_made_with_a_secret_key_alone(town: Town) -> None:
    await town.signs_up("anna")
    assert (await town.browser.post("/v1/customers/anna/links")).status_code == 401
    assert (await town.browser.post("/v1/customers/nobody/links", auth=(SECRET_KEY, ""))).status_code == 404


async def test_no_link_opens_another_page_or_another_customers(town: Town) -> None:
    await opened(town)
    touch = town.links.read_unsubscribe(town.link("/u/").rpartition("/")[2])
    tokens = {
        kind: url.rpartition("/")[2] for kind, url in {"u": town.links.unsubscribe(touch), **_pages(town.links, touch)}.items()
    }
    strange = Links(NOBODY, ["the key of somebody else entirely"])
    for kind, token in tokens.items():
        forged = [f"/{other}/{token}" for other in tokens if other != kind]
        forged += [f"/{kind}/{token[:-1]}{'A' if token[-1] != 'A' else 'B'}", f"/{kind}/x", f"/{kind}/{touch}"]
        forged += [url.removeprefix(NOBODY) for url in _pages(strange, touch).values()]
        for path in forged:
            page = await town.looks(NOBODY + path)
            # Who tries too many is not even told that they are wrong.
            assert page.status in (404, 429), path
            assert "a•••" not in page.text
    # A key that was in front is still read, one that was dropped is not.
    turned = Links(NOBODY, ["the new key that signs from now on", "a key of our own to sign links with"])
    assert turned.read_preferences(tokens["p"]).touch == touch
    assert (await town.looks(town.links.preferences("0" * 32))).status in (404, 429)


async def test_nobody_keeps_finds_or_is_told_of_a_page(town: Town) -> None:
    page = await opened(town)
    for url in (page.url, town.link("/u/"), NOBODY + "/d/x"):
        headers = (await town.looks(url)).answer.headers
        assert (headers["cache-control"], headers["referrer-policy"]) == ("no-store", "no-referrer")
        assert headers["x-robots-tag"] == "noindex, nofollow"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


async def test_who_was_merged_is_who_they_became(town: Town) -> None:
    page = await opened(town)
    await town.tells("identify", "anna", anonymousId="phone", traits={"first_name": "Anna"})
    assert (await town.looks(page.url, **ENGLISH)).status == 200


@pytest.mark.parametrize("language", TEXTS)
def test_every_text_is_there_in_every_language_with_the_same_places(language: str) -> None:
    first = next(iter(TEXTS.values()))
    places = re.compile(r"\{\w+\}")
    assert {key: sorted(places.findall(text)) for key, text in TEXTS[language].items()} == {
        key: sorted(places.findall(text)) for key, text in first.items()
    }


def _pages(links: Links, touch: str) -> dict[str, str]:
    return {"p": links.preferences(touch), "c": links.confirm(touch), "d": links.data(touch)}
