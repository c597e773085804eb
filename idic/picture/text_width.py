"""Measure and wrap text without a font.

The widths are those of DejaVu Sans, the widest of the fonts that browsers use for ``system-ui`` or ``sans-serif``: text that
fits with it fits with any of the others.
"""

from __future__ import annotations

import re
import unicodedata

# In hundredths of the size of the font, from the space to the tilde.
_REGULAR = (
    "32 40 46 84 64 95 78 27 39 39 50 84 32 36 32 34 64 64 64 64 64 64 64 64 64 64 34 34 84 84 84 53 100 68 69 70 77 63 58 77 "
    "75 29 29 66 56 86 75 79 60 79 69 63 61 73 68 99 69 61 69 39 34 39 84 50 50 61 63 55 63 62 35 63 63 28 28 58 28 97 63 61 "
    "63 63 41 52 39 63 59 82 59 59 52 64 34 64 84"
)
_BOLD = (
    "35 46 52 84 70 100 87 31 46 46 52 84 38 42 38 37 70 70 70 70 70 70 70 70 70 70 40 40 84 84 84 58 100 77 76 73 83 68 68 82 "
    "84 37 37 77 64 100 84 85 73 85 77 72 68 81 77 110 77 72 73 46 37 46 84 50 50 67 72 59 72 68 44 72 71 34 34 67 34 104 71 "
    "69 72 72 49 60 48 71 65 92 65 65 58 71 37 71 84"
)
_WIDTHS = {bold: [int(width) for width in text.split()] for bold, text in ((False, _REGULAR), (True, _BOLD))}
_ELLIPSIS = "…"


def width(text: str, size: float, bold: bool = False) -> float:
    """The width of a text, in the unit of ``size``."""
    return sum(_hundredths(character, bold) for character in text) * size / 100


def wrap(text: str, room: float, size: float, bold: bool = False, most: int | None = None) -> list[str]:
    """Lines that are no wider than ``room``: broken between words (not at a no-break space), and within a word that is
    wider alone. What does not fit into ``most`` lines ends in an ellipsis."""
    lines: list[str] = []
    line = ""
    for word in re.split(r"[ \t\n\r]+", text.strip()):
        whole = f"{line} {word}" if line else word
        if width(whole, size, bold) <= room:
            line = whole
            continue
        if line:
            lines.append(line)
        while width(word, size, bold) > room:
            cut = _fitting(word, room, size, bold)
            lines.append(word[:cut])
            word = word[cut:]
        line = word
    lines += [line] if line else []
    if most is not None and len(lines) > most:
        last = lines[most - 1]
        while last and width(last + _ELLIPSIS, size, bold) > room:
            last = last[:-1]
        lines = [*lines[: most - 1], last.rstrip(" ,.;:") + _ELLIPSIS]
    return lines


def _fitting(word: str, room: float, size: float, bold: bool) -> int:
    """How many of a word's characters fit; at least one. A break after a dot, an underline or a bracket reads best."""
    most = 1
    while most < len(word) and width(word[: most + 1], size, bold) <= room:
        most += 1
    nicer = max(word.rfind(sign, 0, most) for sign in "._/)(,-")
    return nicer + 1 if nicer >= most // 2 else most


def _hundredths(character: str, bold: bool) -> int:
    place = 0 if character == "\N{NO-BREAK SPACE}" else ord(character) - 32
    if 0 <= place < len(_WIDTHS[bold]):
        return _WIDTHS[bold][place]
    if unicodedata.combining(character):
        return 0
    return 105 if unicodedata.east_asian_width(character) in "WF" or ord(character) > 0x1F000 else 84
