"""Links in mails: readable by us alone, forged by nobody, alive through a change of keys."""

from __future__ import annotations

import pytest

from idic.errors import InvalidInput, SettingsError
from idic.interact.links import CLICK_PATH, UNSUBSCRIBE_PATH, Click, Links

OLD, NEW = "an old key, long enough", "a new key, long enough"
URL = "https://shop.example/a?b=1&c=ä#d"


def token(address: str) -> str:
    return address.rsplit("/", 1)[1]


def test_a_click_says_what_was_clicked_in_which_mail() -> None:
    links = Links("https://idic.example/", [NEW])
    address = links.click("touch-1", URL)
    assert address.startswith("https://idic.example" + CLICK_PATH)
    assert address.isascii()
    assert links.read_click(token(address)) == Click("touch-1", URL)


def test_an_unsubscribe_says_from_which_mail() -> None:
    links = Links("https://idic.example", [NEW])
    address = links.unsubscribe("touch-1")
    assert address.startswith("https://idic.example" + UNSUBSCRIBE_PATH)
    assert links.read_unsubscribe(token(address)) == "touch-1"


def test_keys_change_while_mails_are_out() -> None:
    before = token(Links("https://x", [OLD]).unsubscribe("t"))
    assert Links("https://x", [NEW, OLD]).read_unsubscribe(before) == "t"
    after = token(Links("https://x", [NEW, OLD]).unsubscribe("t"))
    assert Links("https://x", [NEW]).read_unsubscribe(after) == "t"
    with pytest.raises(InvalidInput):
        Links("https://x", [NEW]).read_unsubscribe(before)


def test_nothing_but_ours_is_read() -> None:
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
