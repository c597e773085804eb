"""In how many parts an SMS travels, and what makes it need more of them than it should.

A part carries 160 characters of the telephone alphabet (GSM 03.38), or 70 once a single character is none of it; in a text
of several parts, 153 or 67. A sign such as € counts twice.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal

from smsutil import is_valid_gsm, split

Encoding = Literal["GSM-7", "Unicode"]

TWINS = {
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‟": '"', "″": '"',
    "‘": "'", "’": "'", "‚": "'", "‛": "'", "`": "'", "´": "'", "′": "'",
    "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "•": "-", "·": "-",
    "…": "...", "×": "x", "→": "->", "‹": "<", "›": ">",
}  # fmt: skip
"""Typographic characters, with what the telephone alphabet has for the same."""

_SPACES = str.maketrans(dict.fromkeys("\t\u00a0\u2007\u2009\u202f", " ") | dict.fromkeys("\u00ad\u200b\u2060\ufeff"))

_DECORATION = ("So", "Sk", "Mn", "Me", "Cf")
_UNSEEN = ("Mn", "Me", "Cf")
"""Unicode's categories of emoji and the marks that go with them, and of what is nothing alone."""


@dataclass(frozen=True, slots=True)
class Segments:
    """``count`` is what a provider charges for."""

    count: int
    encoding: Encoding


def segments(text: str) -> Segments:
    """How a text travels; an empty one in no part at all."""
    if not text:
        return Segments(0, "GSM-7")
    return Segments(len(split(text).parts), "GSM-7" if is_valid_gsm(text) else "Unicode")


def plain_spaces(text: str) -> str:
    """The same to the eye, without spaces that no telephone knows: money and dates are written with those."""
    return text.translate(_SPACES)


def avoidable_unicode(text: str) -> dict[str, str]:
    """The characters that alone make a text need Unicode, where it need not be: each with what to write instead, empty
    where it can only be left out. Nothing for a text in a script that no telephone alphabet has."""
    foreign = dict.fromkeys(character for character in plain_spaces(text) if not is_valid_gsm(character))
    if not all(character in TWINS or unicodedata.category(character) in _DECORATION for character in foreign):
        return {}
    return {character: TWINS.get(character, "") for character in foreign if unicodedata.category(character) not in _UNSEEN}
