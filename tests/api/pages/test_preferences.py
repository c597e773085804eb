"""The preference page: what customers choose, and what they are asked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idic.interact.consent import ConsentEntry, ConsentStatement, status_of
from idic.interact.preferences import changes
from tests.api.pages.shop import Page, Town
from tests.conftest import START

MAIL_NEWS = {"channel": "email", "topic": "news"}
MAIL_CARTS = {"channel": "email", "topic": "cart_reminders"}


async def opened(town: Town, *consents: dict[str, Any], **traits: Any) -> Page:
    """Anna got the welcome, and opens the link below it."""
    await town.signs_up("anna", *(consents or (MAIL_NEWS,)), **traits)
    await town.tells("track", "anna", event="Signed Up", properties={})
    await town.lets(minutes=21)
    return await town.looks(town.link("/p/"), **{"Accept-Language": "en"})


async def test_it_shows_what_there_is_and_how_it_stands_in_the_customers_words(town: Town) -> None:
    page = await opened(town)
    assert page.status == 200
    for words in ("Kettle & Crema", "Reminders of your basket", "For a•••@example.com", "When is your birthday?"):
        assert words in page.text
    # She has no telephone, and was never seen on the site: there is nothing to choose.
    assert page.boxes == {"email:news": True, "email:cart_reminders": False, "fewer": False}
    assert "anna@" not in page.text


async def test_what_is_changed_is_an_event_and_nothing_else_is(town: Town) -> None:
    page = await opened(town)
    page = await page.presses("Save", email_news=False, email_cart_reminders=True, fewer=True, q_birthday="1990-03-27")
    assert "Saved." in page.text
    # Also before anybody has routed it, the page shows how it will be.
    assert page.boxes == {"email:news": False, "email:cart_reminders": True, "fewer": True}
    assert "When is your birthday?" not in page.text
    await town.settles()
    row = await town.customer()
    assert (row["fewer"], row["traits"]["birthday"]) == (True, "1990-03-27")
    assert (await town.ledger())[1:] == [
        ("email", "news", False, False, "preference page"),
        # She reads what goes to this address: it is hers.
        ("email", "cart_reminders", True, True, "preference page"),
    ]
    before = len(await town.own())
    assert "Nothing was changed." in (await page.presses("Save")).text
    assert len(await town.own()) == before


async def test_a_page_that_lay_open_subscribes_nobody_again(town: Town) -> None:
    old = await opened(town, MAIL_NEWS, MAIL_CARTS)
    new = await town.looks(old.url)
    assert "You are unsubscribed from everything." in (await new.presses("Unsubscribe from everything")).text
    await town.settles()
    page = await old.presses("Save", fewer=True)
    assert (page.boxes["email:news"], page.boxes["email:cart_reminders"]) == (False, False)


async def test_unsubscribing_from_everything_needs_no_mended_form(town: Town) -> None:
    page = await opened(town)
    await page.presses("Unsubscribe from everything", q_birthday="soon")
    await town.settles()
    assert {(channel, given) for channel, topic, given, *_ in (await town.ledger())[1:] if topic is None} == {
        ("email", False), ("sms", False), ("web", False),
    }  # fmt: skip


async def test_a_break_lasts_thirty_days_and_can_be_taken_back(town: Town) -> None:
    page = await opened(town)
    page = await page.presses("Pause for 30 days")
    assert "no advertising until April 1, 2026" in page.text
    await town.settles()
    assert (await town.customer())["paused_until"] is not None
    page = await page.presses("Resume now")
    await town.settles()
    assert (await town.customer())["paused_until"] is None
    said = [row["properties"] for row in await town.own() if row["name"] == "Preferences Changed"]
    assert [set(one) for one in said] == [{"fewer", "paused_until"}, {"fewer"}]


async def test_an_answer_that_is_none_stands_there_with_what_is_wrong_and_nothing_is_lost(town: Town) -> None:
    page = await opened(town)
    page = await page.presses("Save", email_news=False, q_birthday="the day after Easter", q_brews="filter")
    assert (page.status, page.marks["q-birthday"]["aria-invalid"]) == (422, "true")
    assert "That isn't a valid date." in page.text
    assert (page.inputs["q.birthday"], page.inputs["q.brews"], page.boxes["email:news"]) == (
        "the day after Easter",
        "filter",
        False,
    )
    assert len(await town.ledger()) == 1
    page = await page.presses("Save", q_birthday="1990-03-27")
    await town.settles()
    traits = (await town.customer())["traits"]
    assert (traits["birthday"], traits["brews"], page.boxes["email:news"]) == ("1990-03-27", "filter", False)


async def test_in_german_for_who_speaks_it_and_in_english_for_who_speaks_what_idic_does_not(town: Town) -> None:
    page = await opened(town, language="de-AT")
    assert "Worüber möchtest du etwas hören?" in page.text
    assert "Neues aus dem Laden" in page.text
    assert page.answer.headers["content-language"] == "de"
    await town.signs_up("bela", language="hu")
    url = (await town.browser.post("/v1/customers/bela/links", auth=("back-office-secret-key", ""))).json()["preferences_url"]
    assert "Your message settings" in (await town.looks(url, **{"Accept-Language": "fr"})).text


async def test_what_the_shop_links_to_itself_confirms_no_address(town: Town) -> None:
    await town.signs_up("anna")
    answer = await town.browser.post("/v1/customers/anna/links", auth=("back-office-secret-key", ""))
    page = await town.looks(answer.json()["preferences_url"], **{"Accept-Language": "en"})
    await page.presses("Save", email_news=True)
    await town.settles()
    assert await town.ledger() == [("email", "news", True, False, "preference page")]


TOPICS = (None, "news", "carts")
SAID = st.builds(
    lambda topic, given, confirmed: ConsentEntry(
        ConsentStatement("email", topic, "marketing", given, confirmed, "form"), START
    ),
    st.sampled_from(TOPICS), st.booleans(), st.booleans(),
)  # fmt: skip


@given(st.lists(SAID, max_size=6), st.dictionaries(st.sampled_from(TOPICS), st.booleans()))
def test_what_is_wanted_holds_and_all_else_stays(said: list[ConsentEntry], wished: dict[str | None, bool]) -> None:
    def stands(entries: list[ConsentEntry], topic: str | None, level: Any = "single") -> bool:
        return status_of(entries, "email", topic, level=level).allowed

    found = changes(said, {("email", topic): wish for topic, wish in wished.items()}, {}, ["news", "carts"])
    new = [
        ConsentEntry(ConsentStatement("email", one.topic, "marketing", one.given, bool(one.confirmed), "page"), START)
        for one in found
    ]
    for topic in TOPICS:
        assert stands([*said, *new], topic) == wished.get(topic, stands(said, topic))
        if topic not in wished:
            assert stands([*said, *new], topic, "double") == stands(said, topic, "double")


@pytest.mark.parametrize("body", [b"", b"\xff\xfe=%00&get=%00", b"get=" * 600, b"{}"])
async def test_a_body_that_no_form_sends_changes_nothing(town: Town, body: bytes) -> None:
    page = await opened(town)
    before = len(await town.own())
    answer = await town.browser.post(page.url, content=body)
    assert answer.status_code in (200, 413)
    assert len(await town.own()) == before
