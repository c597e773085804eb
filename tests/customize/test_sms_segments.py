"""The parts of an SMS, avoidable characters and the worst case."""

from __future__ import annotations

import pytest

from idic.customize.sms_segments import Segments, avoidable_unicode, plain_spaces, segments
from idic.customize.sms_worst_case import WorstCase, worst_case
from idic.journey.channels.email import EmailContent
from idic.journey.channels.sms import SmsContent
from idic.journey.program.content import Message

END = "{% endcapture %}"


@pytest.mark.parametrize(
    ("text", "count", "encoding"),
    [
        ("", 0, "GSM-7"),
        ("a" * 160, 1, "GSM-7"),
        ("a" * 161, 2, "GSM-7"),
        ("a" * 306, 2, "GSM-7"),
        ("a" * 307, 3, "GSM-7"),
        ("äöüßéñ" * 26, 1, "GSM-7"),
        ("€" * 80, 1, "GSM-7"),
        ("€" * 81, 2, "GSM-7"),
        ("ж" * 70, 1, "Unicode"),
        ("ж" * 71, 2, "Unicode"),
        ("😀" * 35, 1, "Unicode"),
        ("😀" * 36, 2, "Unicode"),
        ("a" * 100 + "’", 2, "Unicode"),
    ],
)
def test_parts_are_counted_as_providers_count_them(text: str, count: int, encoding: str) -> None:
    parts = segments(text)
    assert (parts.count, parts.encoding) == (count, encoding)
    assert isinstance(parts, Segments)


def test_spaces_in_formatted_money_do_not_need_unicode() -> None:
    assert plain_spaces("12,50\u00a0€ um 9:30\u202fAM, Donau\u00addampf\u200b") == "12,50 € um 9:30 AM, Donaudampf"


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("It's 10 € - plain", {}),
        ("It’s “on us” — today…", {"’": "'", "“": '"', "”": '"', "—": "-", "…": "..."}),
        ("Coffee ☕️ time ❤️", {"☕": "", "❤": ""}),
        ("Привет — заказ", {}),  # the script needs Unicode, whatever the dash is
        ("12,50\u00a0€", {}),
    ],
)
def test_avoidable_unicode_characters_are_found(text: str, instead: dict[str, str]) -> None:
    assert avoidable_unicode(text) == instead


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello", WorstCase(1, None)),
        ("{{ a }}" + "x" * 120, WorstCase(1, 3, texts=True)),
        ("{{ a }}" + "x" * 121, WorstCase(2, 3, texts=True)),
        ("{% if a %}" + "x" * 200 + "{% else %}no{% endif %}", WorstCase(2, None)),
        ("{% case a %}{% when 1 %}x{% else %}" + "x" * 200 + "{% endcase %}", WorstCase(2, None)),
        ("{% for i in a %}" + "x" * 60 + "{% else %}none{% endfor %}", WorstCase(2, None, loops=True)),
        (
            "{% assign b = 'ten' | append: 'x' %}{{ b }}{% capture c %}" + "x" * 200 + "{% endcapture %}",
            WorstCase(1, None),
        ),
        ("{{ a | truncate: 5 }}" + "x" * 155, WorstCase(1, 3, texts=True)),
        ("{{ a | default: '" + "x" * 90 + "' }}" + "x" * 70, WorstCase(1, 3, texts=True)),
        ("{{ a | money }}" + "x" * 147, WorstCase(1, 3, texts=True)),
        ("{{ 'yes' | answer }}" + "x" * 121, WorstCase(2, None, links=True)),
        ("{{ links.a }}{{ a }}" + "x" * 81, WorstCase(2, 3, texts=True, links=True)),
        ("{% render 'foot' %}" + "x" * 140, WorstCase(2, 3, texts=True)),
        ("Заказ {{ a }}", WorstCase(None, 1, texts=True)),
    ],
)
def test_the_worst_case_is_the_longest_path(text: str, expected: WorstCase) -> None:
    assert worst_case(Message(id="m", contents={"sms": SmsContent(text=text)}, blocks={"foot": "Stop: {{ b }}"})) == expected


def test_a_message_without_an_sms_has_no_parts() -> None:
    assert worst_case(Message(id="m", contents={"email": EmailContent(subject="x", body="x")})) is None
