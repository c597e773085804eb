"""Links in mails: readable by us alone, forged by nobody, alive through a change of keys."""

from __future__ import annotations

from typing import Any

import pytest

from idic.errors import InvalidInput, SettingsError
from idic.interact.tracking.links import (
    ANSWER_PATH,
    CLICK_PATH,
    OPEN_PATH,
    SHORT_PATH,
    UNSUBSCRIBE_PATH,
    AnswerLink,
    ClickLink,
    Links,
)
from idic.settings import Settings

OLD, NEW = "an old key, long enough", "a new key, long enough"
URL = "https://shop.example/a?b=1&c=ä#d"


def token(address: str) -> str:
    return address.rsplit("/", 1)[1]


def test_a_click_link_holds_the_touch_and_the_url() -> None:
    links = Links("https://idic.example/", [NEW])
    address = links.click("touch-1", URL)
    assert address.startswith("https://idic.example" + CLICK_PATH)
    assert address.isascii()
    assert links.read_click(token(address)) == ClickLink("touch-1", URL)


def test_an_unsubscribe_link_holds_the_touch() -> None:
    links = Links("https://idic.example", [NEW])
    address = links.unsubscribe("touch-1")
    assert address.startswith("https://idic.example" + UNSUBSCRIBE_PATH)
    assert links.read_unsubscribe(token(address)) == "touch-1"


def test_links_stay_valid_while_their_key_is_listed() -> None:
    before = token(Links("https://x", [OLD]).unsubscribe("t"))
    assert Links("https://x", [NEW, OLD]).read_unsubscribe(before) == "t"
    after = token(Links("https://x", [NEW, OLD]).unsubscribe("t"))
    assert Links("https://x", [NEW]).read_unsubscribe(after) == "t"
    with pytest.raises(InvalidInput):
        Links("https://x", [NEW]).read_unsubscribe(before)


def test_forged_tokens_are_refused() -> None:
    links = Links("https://x", [NEW])
    click, out = token(links.click("t", URL)), token(links.unsubscribe("t"))
    forged = token(Links("https://x", [OLD]).click("t", "https://evil.example"))
    for wrong in ("", "x", "x.y", forged, out, click[:-1], click[::-1], click + "x", "ä" * 50):
        with pytest.raises(InvalidInput):
            links.read_click(wrong)
    with pytest.raises(InvalidInput):
        links.read_unsubscribe(click)


@pytest.mark.parametrize("keys", [[], ["short"], [NEW, ""]])
def test_weak_keys_are_refused(keys: list[str]) -> None:
    with pytest.raises(SettingsError):
        Links("https://x", keys)


@pytest.mark.parametrize(
    "url", ["idic.shop.example", "https://bücher.example", "https://shop.example/?at=", "ftp://shop.example", "https://"]
)
def test_an_unusable_base_address_is_refused_at_once(url: str) -> None:
    signed: dict[str, Any] = {"signing_keys": "a key of sixteen letters"}
    for setting in ("public_url", "short_url"):
        with pytest.raises(SettingsError, match=f"IDIC_{setting.upper()} is not an address such as https://idic.shop.example"):
            Links.set_up(Settings.model_validate(signed | {setting: url}))
    assert Links.set_up(Settings.model_validate(signed | {"public_url": "http://[::1]:8700/", "short_url": ""}))


def test_open_and_answer_links_hold_the_touch() -> None:
    links = Links("https://idic.example", [NEW])
    assert links.read_opened(token(links.opened("touch-1"))) == "touch-1"
    assert links.read_answer(token(links.answer("touch-1", "espresso ☕"))) == AnswerLink("touch-1", "espresso ☕", None)
    assert links.read_answer(token(links.answer("touch-1", "", URL))) == AnswerLink("touch-1", "", URL)
    assert links.opened("touch-1").startswith("https://idic.example" + OPEN_PATH)
    assert links.answer("touch-1", "x").startswith("https://idic.example" + ANSWER_PATH)


def test_a_link_of_one_kind_is_refused_as_another() -> None:
    links = Links("https://x", [NEW])
    made = {
        links.read_click: token(links.click("t", URL)),
        links.read_answer: token(links.answer("t", "yes", URL)),
        links.read_unsubscribe: token(links.unsubscribe("t")),
        links.read_opened: token(links.opened("t")),
        links.read_placement: links.placement("t"),
    }
    for reads, own in made.items():
        reads(own)
        for other in made.values():
            if other != own:
                with pytest.raises(InvalidInput):
                    reads(other)


def test_a_short_code_depends_on_the_key_message_and_link() -> None:
    links = Links("https://idic.example", [NEW, OLD], "https://s.example/")
    code = links.short_code("touch-1", URL)
    assert links.short(code) == f"https://s.example{SHORT_PATH}{code}"
    assert code == Links("https://elsewhere", [NEW]).short_code("touch-1", URL)
    others = {
        links.short_code("touch-2", URL),
        links.short_code("touch-1", URL + "x"),
        Links("x", [OLD]).short_code("touch-1", URL),
    }
    assert code not in others
    assert links.read_short(code) == code


def test_short_codes_use_many_letters_at_every_place() -> None:
    links = Links("https://x", [NEW])
    codes = [links.short_code(f"touch-{n}", URL) for n in range(2000)]
    assert len(set(codes)) == 2000
    assert all(links.read_short(code) == code for code in codes)
    for place in range(9):
        assert len({code[place] for code in codes}) > 50


@pytest.mark.parametrize("wrong", ["", "a", "l" * 9, "0" * 9, "aaaaaaaa\n", "aaaaaaaaa\n", "aaaaaaaaaa", "a/../../b", "ä" * 9])
def test_malformed_short_codes_are_refused(wrong: str) -> None:
    with pytest.raises(InvalidInput):
        Links("https://x", [NEW]).read_short(wrong)


def test_links_to_idic_pages_record_themselves() -> None:
    links = Links("https://idic.example", [NEW], "https://s.example")
    assert links.tells_itself(links.unsubscribe("t"))
    assert links.tells_itself(links.answer("t", "yes"))
    assert not links.tells_itself(URL)
    assert not links.tells_itself(links.click("t", URL))
