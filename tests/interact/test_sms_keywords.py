"""Keywords are whole messages, however they are written; sentences are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idic.interact.sms_keywords import KEYWORDS, WORDS, Keyword, keyword_of


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        ("STOP", "stop"),
        ("  stop.\n", "stop"),
        ("Stop!!!", "stop"),
        ("„STOP“", "stop"),
        ("stop stop STOP", "stop"),
        ("Stop all", "stop"),
        ("opt-out", "stop"),
        ("ＳＴＯＰ", "stop"),
        ("st\u200bop", "stop"),
        ("Arrêt", "stop"),
        ("ARRET", "stop"),
        ("Kündigen", "stop"),
        ("stój", "stop"),
        ("STOJ", "stop"),
        ("zakończ", "stop"),
        ("🛑", "stop"),
        ("✋🏾", "stop"),
        ("stop 🛑", "stop"),
        ("Start", "start"),
        ("começar", "start"),
        ("UNSTOP", "start"),
        ("Hilfe?", "help"),
        ("HELP ME", "help"),
        ("info", "help"),
        ("Ja!", "yes"),
        ("sí", "yes"),
        ("👍🏽", "yes"),
        ("👍️", "yes"),
        ("👍👍", "yes"),
    ],
)
def test_a_keyword_however_it_is_written(text: str, keyword: Keyword) -> None:
    assert keyword_of(text) == keyword


@pytest.mark.parametrize(
    "text",
    [
        "stop it, please send help",
        "please stop",
        "don't stop",
        "Stopp den Versand, bitte",
        "stopover",
        "non-stop",
        "helpful",
        "yes please",
        "no",
        "ende",
        "bus stop",
        "",
        "   ",
        "?",
        "👍🛑",
        "🚫🍞",
        "❤️",
        "stop" + "!" * 100,
        "s t o p",
    ],
)
def test_other_texts_are_no_keywords(text: str) -> None:
    assert keyword_of(text) is None


def test_each_word_has_one_keyword_and_each_language_has_all_keywords() -> None:
    meaning: dict[str, Keyword] = {}
    for keyword in KEYWORDS:
        assert set(WORDS[keyword]) == {"en", "de", "fr", "es", "it", "nl", "pt", "pl"}
        for words in WORDS[keyword].values():
            for word in words:
                assert meaning.setdefault(word, keyword) == keyword
                assert keyword_of(word.upper()) == keyword


_EVERY = sorted((word, keyword) for keyword in KEYWORDS for words in WORDS[keyword].values() for word in words)


@given(st.sampled_from(_EVERY), st.sampled_from([" ", "\n", "!", ".", "…", '"', "🙂"]), st.sampled_from([str.upper, str.title]))
def test_case_and_surrounding_characters_do_not_matter(known: tuple[str, Keyword], around: str, written: object) -> None:
    word, keyword = known
    assert keyword_of(f"{around}{written(word)}{around}") == keyword  # type: ignore[operator]


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    assert keyword_of(text) in (None, *KEYWORDS)
