"""Count the parts of an SMS, and find characters that make it needlessly expensive.

A part holds 160 characters of the telephone alphabet (GSM 03.38), or 70 if a single character is not in that alphabet; in a
text of several parts 153 or 67. A character such as € counts twice.
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
"""Typographic characters, each with its equivalent in the telephone alphabet."""

_SPACES = str.maketrans(dict.fromkeys("\t\u00a0\u2007\u2009\u202f", " ") | dict.fromkeys("\u00ad\u200b\u2060\ufeff"))

_DECORATION = ("So", "Sk", "Mn", "Me", "Cf")
_INVISIBLE = ("Mn", "Me", "Cf")
"""Unicode categories: of emoji with their marks (``_DECORATION``), and of characters that are invisible alone."""


@dataclass(frozen=True, slots=True)
class Segments:
    """The parts of an SMS. A provider charges for each of ``count``."""

    count: int
    encoding: Encoding


def segments(text: str) -> Segments:
    """The parts that a text needs; none for an empty text."""
    if not text:
        return Segments(0, "GSM-7")
    return Segments(len(split(text).parts), "GSM-7" if is_valid_gsm(text) else "Unicode")


def plain_spaces(text: str) -> str:
    """Replace spaces that are not in the telephone alphabet, which formatted money and dates have, by plain ones."""
    return text.translate(_SPACES)


def avoidable_unicode(text: str) -> dict[str, str]:
    """The characters because of which a text needlessly needs Unicode, each with its replacement; empty if it can only be left
    out. There are none for a text in a script outside the telephone alphabet."""
    foreign = dict.fromkeys(character for character in plain_spaces(text) if not is_valid_gsm(character))
    if not all(character in TWINS or unicodedata.category(character) in _DECORATION for character in foreign):
        return {}
    return {character: TWINS.get(character, "") for character in foreign if unicodedata.category(character) not in _INVISIBLE}
