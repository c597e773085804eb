"""Signed links can't be forged: altered, reused for another purpose or customer, or guessed, they are refused.

Every kind of link takes part: the first test fails if a new kind isn't tried here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from idic.errors import InvalidInput
from idic.interact.tracking.links import Links

KEY, ANOTHER = "the key of this shop, long enough", "the key of another shop"
URL = "https://shop.example/a"
UNTIL = datetime(2026, 11, 3, tzinfo=UTC)


class Kind(NamedTuple):
    make: Callable[[Links, str], str]
    """From whose it is (a touch, or a customer) to the address or the token."""
    read: Callable[[Links], Callable[[str], Any]]


KINDS = {
    "click": Kind(lambda links, whose: links.click(whose, URL), lambda links: links.read_click),
    "answer": Kind(lambda links, whose: links.answer(whose, "yes", URL), lambda links: links.read_answer),
    "unsubscribe": Kind(lambda links, whose: links.unsubscribe(whose), lambda links: links.read_unsubscribe),
    "opened": Kind(lambda links, whose: links.opened(whose), lambda links: links.read_opened),
    "placement": Kind(lambda links, whose: links.placement(whose), lambda links: links.read_placement),
    "preferences": Kind(lambda links, whose: links.preferences(whose), lambda links: links.read_preferences),
    "preferences of": Kind(lambda links, whose: links.preferences_of(whose), lambda links: links.read_preferences),
    "confirm": Kind(lambda links, whose: links.confirm(whose), lambda links: links.read_confirm),
    "data": Kind(lambda links, whose: links.data(whose), lambda links: links.read_data),
    "data of": Kind(lambda links, whose: links.data_of(whose, UNTIL), lambda links: links.read_data),
}
every_kind = pytest.mark.parametrize("name", KINDS)


def token(links: Links, name: str, whose: str = "a1b2") -> str:
    return KINDS[name].make(links, whose).rsplit("/", 1)[-1]


def read_token(links: Links, name: str, given: str) -> Any:
    """The content of the token; None if it is invalid."""
    try:
        return KINDS[name].read(links)(given)
    except InvalidInput:
        return None


def test_every_kind_of_link_is_tested_here() -> None:
    links = Links("https://idic", [KEY])
    readers = {name for name in vars(Links) if name.startswith("read_")} - {"read_short"}
    assert readers == {kind.read(links).__name__ for kind in KINDS.values()}


@every_kind
def test_a_link_altered_by_one_bit_is_refused(name: str) -> None:
    links = Links("https://idic", [KEY])
    good = token(links, name)
    assert read_token(links, name, good) is not None
    for place, letter in enumerate(good):
        for bit in range(7):
            altered = good[:place] + chr(ord(letter) ^ (1 << bit)) + good[place + 1 :]
            assert read_token(links, name, altered) is None, (place, bit)


@every_kind
def test_a_lengthened_or_shortened_link_is_refused(name: str) -> None:
    links = Links("https://idic", [KEY])
    good = token(links, name)
    for junk in ("!", "!!!!", "\n", " ", "=", "====", ".", "A", "AAAA", "\0", "é"):
        assert read_token(links, name, good + junk) is None, junk
        assert read_token(links, name, junk + good) is None, junk
        assert read_token(links, name, good[:-3] + junk + good[-3:]) is None, junk
    for end in range(1, len(good)):
        assert read_token(links, name, good[:-end]) is None


@every_kind
def test_a_signature_is_refused_on_the_link_of_another_customer(name: str) -> None:
    links = Links("https://idic", [KEY])
    (what, _, signed), (other, _, signed_other) = (token(links, name, whose).rpartition(".") for whose in ("a1b2", "c3d4"))
    assert read_token(links, name, f"{what}.{signed_other}") is None
    assert read_token(links, name, f"{other}.{signed}") is None


@every_kind
def test_a_link_of_one_kind_is_refused_as_another_kind(name: str) -> None:
    links = Links("https://idic", [KEY])
    good = token(links, name)
    own = KINDS[name].read(links)
    for other, kind in KINDS.items():
        if kind.read(links) != own:
            assert read_token(links, other, good) is None, other


@every_kind
def test_a_link_with_a_foreign_signature_or_none_is_refused(name: str) -> None:
    links = Links("https://idic", [KEY])
    forged = token(Links("https://idic", [ANOTHER]), name)
    what = token(links, name).rpartition(".")[0]
    for given in (forged, what, f"{what}.", f"{what}.{'A' * 27}", "", ".", "e30.e30"):
        assert read_token(links, name, given) is None


@every_kind
def test_links_survive_a_key_change_until_the_old_key_is_removed(name: str) -> None:
    old, both, new = Links("x", [ANOTHER]), Links("x", [KEY, ANOTHER]), Links("x", [KEY])
    out = token(old, name)
    assert read_token(both, name, out) == read_token(old, name, out)
    assert read_token(new, name, out) is None
    assert read_token(new, name, token(both, name)) is not None


def test_short_codes_cannot_be_guessed() -> None:
    """Of a hundred million that are out, who tries one every two seconds finds one in years."""
    links = Links("https://idic", [KEY])
    codes = [links.short_code(f"touch-{number}", URL) for number in range(3000)]
    letters = {letter for code in codes for letter in code}
    bits = len(codes[0]) * math.log2(len(letters))
    assert bits > 52
    # Neighbours have nothing in common beyond chance.
    same = sum(a == b for one, another in itertools.pairwise(codes) for a, b in zip(one, another, strict=True))
    assert same < 3 * len(codes) * len(codes[0]) / len(letters)
