"""The preference page: what customers choose, and what they are asked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idic.interact.consent import ConsentEntry, ConsentStatement, status_of
from idic.interact.preferences import changes
from tests.api.pages.shop import ExampleShop, Page
from tests.conftest import START

MAIL_NEWS = {"channel": "email", "topic": "news"}
MAIL_CARTS = {"channel": "email", "topic": "cart_reminders"}


async def open_preferences(example: ExampleShop, *consents: dict[str, Any], **traits: Any) -> Page:
    """Sign Anna up, and open the preference link of her welcome mail."""
    await example.sign_up("anna", *(consents or (MAIL_NEWS,)), **traits)
    await example.send_call("track", "anna", event="Signed Up", properties={})
    await example.advance(minutes=21)
    return await example.open(example.link("/p/"), **{"Accept-Language": "en"})


async def test_the_page_shows_topics_choices_and_a_masked_address(example: ExampleShop) -> None:
    page = await open_preferences(example)
    assert page.status == 200
    for words in ("Kettle & Crema", "Reminders of your basket", "For a•••@example.com", "When is your birthday?"):
        assert words in page.text
    # She has no telephone, and was never seen on the site: there is nothing to choose.
    assert page.boxes == {"email:news": True, "email:cart_reminders": False, "fewer": False}
    assert "anna@" not in page.text


async def test_only_changed_choices_become_events(example: ExampleShop) -> None:
    page = await open_preferences(example)
    page = await page.click("Save", email_news=False, email_cart_reminders=True, fewer=True, q_birthday="1990-03-27")
    assert "Saved." in page.text
    # Also before anybody has routed it, the page shows how it will be.
    assert page.boxes == {"email:news": False, "email:cart_reminders": True, "fewer": True}
    assert "When is your birthday?" not in page.text
    await example.settle()
    row = await example.customer()
    assert (row["fewer"], row["traits"]["birthday"]) == (True, "1990-03-27")
    assert (await example.consent_rows())[1:] == [
        ("email", "news", False, False, "preference page"),
        # She reads what goes to this address: it is hers.
        ("email", "cart_reminders", True, True, "preference page"),
    ]
    before = len(await example.own_events())
    assert "Nothing was changed." in (await page.click("Save")).text
    assert len(await example.own_events()) == before


async def test_saving_an_outdated_page_does_not_resubscribe(example: ExampleShop) -> None:
    old = await open_preferences(example, MAIL_NEWS, MAIL_CARTS)
    new = await example.open(old.url)
    assert "You are unsubscribed from everything." in (await new.click("Unsubscribe from everything")).text
    await example.settle()
    page = await old.click("Save", fewer=True)
    assert (page.boxes["email:news"], page.boxes["email:cart_reminders"]) == (False, False)


async def test_unsubscribing_from_everything_ignores_invalid_answers(example: ExampleShop) -> None:
    page = await open_preferences(example)
    await page.click("Unsubscribe from everything", q_birthday="soon")
    await example.settle()
    assert {(channel, given) for channel, topic, given, *_ in (await example.consent_rows())[1:] if topic is None} == {
        ("email", False), ("sms", False), ("web", False),
    }  # fmt: skip


async def test_a_pause_lasts_thirty_days_and_can_be_ended_early(example: ExampleShop) -> None:
    page = await open_preferences(example)
    page = await page.click("Pause for 30 days")
    assert "no advertising until April 1, 2026" in page.text
    await example.settle()
    assert (await example.customer())["paused_until"] is not None
    page = await page.click("Resume now")
    await example.settle()
    assert (await example.customer())["paused_until"] is None
    said = [row["properties"] for row in await example.own_events() if row["name"] == "Preferences Changed"]
    assert [set(one) for one in said] == [{"fewer", "paused_until"}, {"fewer"}]


async def test_an_invalid_answer_is_shown_with_its_error_and_the_other_input(example: ExampleShop) -> None:
    page = await open_preferences(example)
    page = await page.click("Save", email_news=False, q_birthday="the day after Easter", q_brews="filter")
    assert (page.status, page.attributes["q-birthday"]["aria-invalid"]) == (422, "true")
    assert "That isn't a valid date." in page.text
    assert (page.inputs["q.birthday"], page.inputs["q.brews"], page.boxes["email:news"]) == (
        "the day after Easter",
        "filter",
        False,
    )
    assert len(await example.consent_rows()) == 1
    page = await page.click("Save", q_birthday="1990-03-27")
    await example.settle()
    traits = (await example.customer())["traits"]
    assert (traits["birthday"], traits["brews"], page.boxes["email:news"]) == ("1990-03-27", "filter", False)


async def test_the_page_is_in_the_customers_language_or_in_english(example: ExampleShop) -> None:
    page = await open_preferences(example, language="de-AT")
    assert "Worüber möchtest du etwas hören?" in page.text
    assert "Neues aus dem Laden" in page.text
    assert page.answer.headers["content-language"] == "de"
    await example.sign_up("bela", language="hu")
    url = (await example.browser.post("/v1/customers/bela/links", auth=("back-office-secret-key", ""))).json()[
        "preferences_url"
    ]
    assert "Your message settings" in (await example.open(url, **{"Accept-Language": "fr"})).text


async def test_a_link_that_the_shop_created_confirms_no_address(example: ExampleShop) -> None:
    await example.sign_up("anna")
    answer = await example.browser.post("/v1/customers/anna/links", auth=("back-office-secret-key", ""))
    page = await example.open(answer.json()["preferences_url"], **{"Accept-Language": "en"})
    await page.click("Save", email_news=True)
    await example.settle()
    assert await example.consent_rows() == [("email", "news", True, False, "preference page")]


TOPICS = (None, "news", "carts")
SAID = st.builds(
    lambda topic, given, confirmed: ConsentEntry(
        ConsentStatement("email", topic, "marketing", given, confirmed, "form"), START
    ),
    st.sampled_from(TOPICS), st.booleans(), st.booleans(),
)  # fmt: skip


@given(st.lists(SAID, max_size=6), st.dictionaries(st.sampled_from(TOPICS), st.booleans()))
def test_wishes_are_applied_and_all_other_consents_stay(said: list[ConsentEntry], wished: dict[str | None, bool]) -> None:
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
async def test_a_malformed_body_changes_nothing(example: ExampleShop, body: bytes) -> None:
    page = await open_preferences(example)
    before = len(await example.own_events())
    answer = await example.browser.post(page.url, content=body)
    assert answer.status_code in (200, 413)
    assert len(await example.own_events()) == before
