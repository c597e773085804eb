"""Variants of messages by segment and language, and the warnings about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from idic.customize import sms_worst_case
from idic.journey.channels.email import EmailContent
from idic.journey.channels.sms import SmsContent
from idic.journey.channels.web import WebContent
from idic.journey.program.content import Message
from idic.journeys_folder import compile_folder
from tests.journey.read_fixtures import HERE, compiled

VARIANTS = (HERE / "accepted" / "content_variants.yaml").read_text()
JOURNEY = """\
journey: j
identify: {{on: Cart Updated}}
differentiate: {{vip: customer.orders > 9, regular: otherwise}}
interact: [{{id: mail, send: hi, by: {by}, if: 'segment in ["vip", "regular"]'}}]
customize:
  hi: {{{content}}}
"""
MAIL = "email: {subject: Hi, body: 'Hello {{ links.unsubscribe }}'}"


def warnings(content: str, by: str = "[email]", **more: str) -> list[str]:
    compilation = compiled(JOURNEY.format(content=content, by=by), **more)
    assert list(compilation.programs) == ["j"]
    return [problem.text for problem in compilation.problems]


def test_only_variants_that_differ_are_stored_and_each_is_complete() -> None:
    message = compiled(VARIANTS).programs["content_variants"].messages["reminder"]
    assert list(message.variants) == ["newcomer/", "vip/", "/de", "newcomer/de", "vip/de"]
    assert all(set(contents) == {"email", "sms", "web"} for contents in message.variants.values())
    subjects = {
        name: email.subject for name, one in message.variants.items() if isinstance(email := one["email"], EmailContent)
    }
    assert subjects == {
        "newcomer/": "Your first basket",
        "vip/": "Your basket",
        "/de": "Ihr Warenkorb",
        "newcomer/de": "Ihr erster Warenkorb",
        "vip/de": "Ihr Warenkorb",
    }
    vip = message.variants["vip/de"]["web"]
    assert isinstance(vip, WebContent)
    assert (vip.slot, vip.show_for.days, vip.body) == ("cart_note", 2, "Ihr Warenkorb wartet")
    assert message.variants["newcomer/de"]["sms"] == SmsContent(text="Ihr Warenkorb: {{ links.basket }} STOPP beendet das.")


def test_the_parts_of_an_sms_are_reported_for_each_variant_that_differs() -> None:
    assert sms_worst_case.describe_worst_cases(compiled(VARIANTS).programs["content_variants"]) == (
        "reminder: at most 1 (GSM-7) · assumed: links of up to 40 characters"
    )
    dear = VARIANTS.replace("STOPP beendet das.", "STOPP beendet das. ✂ " + "ja " * 20)
    compilation = compiled(dear)
    program = compilation.programs["content_variants"]
    assert sms_worst_case.describe_worst_cases(program) == (
        "reminder: at most 1 (GSM-7), in de at most 3 (Unicode) · assumed: links of up to 40 characters"
    )
    assert sms_worst_case.worst_case(program.messages["reminder"]) == sms_worst_case.WorstCase(None, 3, links=True)
    # The problem is reported at the place of the character.
    [problem] = compilation.problems
    assert (problem.severity, problem.line) == ("warning", 25)
    assert problem.message.startswith('"✂" makes this SMS Unicode')


BODY = "body: 'Hallo {{ links.unsubscribe }}'"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            "in: {de: {email: {subject: Hallo}}}",
            "its email is in de, and the body of it is not; write body: in email: under in: de:",
        ),
        (
            "for: {vip: {email: {preheader: For you}}}, in: {de: {email: {subject: Hallo, " + BODY + "}}}",
            "its email is in de, and the preheader of it is not; write preheader: in email: under for: vip: in: de:",
        ),
        ("for: {vip: {email: {subject: Hi}}}", "for vip: nothing differs; take it out, or write what differs"),
        ("in: {de: {email: {body: 'Hello {{ links.unsubscribe }}', subject: Hi}}}", "in de: nothing differs; take it out"),
        ("for: {vip: {}}", "for vip: nothing differs; take it out, or write what differs"),
    ],
)
def test_partial_translations_and_redundant_variants_are_warnings(more: str, message: str) -> None:
    [warning] = warnings(f"{MAIL}, {more}")
    assert message in warning


def test_a_message_translated_only_for_email_is_a_warning() -> None:
    german = "in: {de: {email: {subject: Hallo, body: 'Hallo {{ links.unsubscribe }}'}}}"
    sms = "sms: 'Hi. Stop: {{ links.unsubscribe }}'"
    assert warnings(f"{MAIL}, {sms}, {german}", "[email, sms]") == [
        'message "hi": its email is in de, and its sms is not; write sms: under in: de:'
    ]


def test_advertising_needs_an_opt_out_in_every_variant() -> None:
    mail = "email: {subject: Hi, body: Hello}"
    without = warnings(f"{mail}, sms: Hello", "[email, sms]")
    assert [text.partition("; ")[0] for text in without] == [
        'message "hi": this mail does not say how to get no more of them',
        'message "hi": this SMS does not say how to get no more of them',
    ]
    assert warnings("sms: Hello. Reply STOP to end this.", "[sms]") == []
    german = "sms: Hello. STOP ends this., in: {de: {sms: Hallo}}"
    assert warnings(german, "[sms]") == [f"{without[1]}"]
    service = JOURNEY.format(content=mail, by="email").replace("identify:", "purpose: service\nidentify:", 1)
    assert compiled(service).problems == ()


def folder(path: Path, **files: str) -> Path:
    (path / "templates" / "blocks").mkdir(parents=True)
    (path / "vocabulary.yaml").write_text("languages: [en, de, de-AT]\ncustomer: {first_name: text}\n")
    (path / "one.yaml").write_text(
        "journey: one\nidentify: {on: Link Clicked}\ninteract: [{id: mail, send: hello, by: email}]\n"
        "customize:\n  hello:\n    email: {subject: Hi, body: hello.html}\n    in:\n      de: {email: {subject: Hallo}}\n"
        "      de-AT: {email: {subject: Servus}}\n"
    )
    (path / "templates" / "hello.html").write_text("<p>Hi</p>{% render 'foot' %}")
    (path / "templates" / "hello.de.html").write_text("<p>Hallo</p>{% render 'foot' %}")
    (path / "templates" / "blocks" / "foot.html").write_text("<a href='{{ links.unsubscribe }}'>No more</a>")
    for name, text in files.items():
        (path / "templates" / name.replace("_", "/")).with_suffix(".html").write_text(text)
    return path


def email(message: Message, variant: str) -> EmailContent:
    content = message.variants[variant]["email"]
    assert isinstance(content, EmailContent)
    return content


def test_templates_and_blocks_have_files_by_language(tmp_path: Path) -> None:
    compilation = compile_folder(folder(tmp_path, **{"blocks_foot.de.x": "<a href='{{ links.unsubscribe }}'>Abbestellen</a>"}))
    assert compilation.problems == ()
    message = compilation.programs["one"].messages["hello"]
    assert email(message, "/de").body.startswith("<p>Hallo</p>")
    assert (email(message, "/de-AT").subject, email(message, "/de-AT").body) == ("Servus", email(message, "/de").body)
    assert list(message.blocks) == ["foot", "foot.de"]


def test_problems_of_a_translation_are_reported_in_its_file(tmp_path: Path) -> None:
    wrong = {
        "hello.de.x": "<p>Hallo</p>\n{{ customer.frist_name }}{% render 'foot' %}",
        "blocks_foot.de.x": "{{ links.imprint }}{{ links.unsubscribe }}",
    }
    problems = compile_folder(folder(tmp_path, **wrong)).problems
    assert [(Path(problem.file).name, problem.line, problem.column) for problem in problems] == [
        ("foot.de.html", 1, 4),
        ("hello.de.html", 2, 4),
    ]


def test_an_email_that_fails_in_a_language_is_reported_at_its_translation(tmp_path: Path) -> None:
    journeys = folder(tmp_path)
    text = (journeys / "one.yaml").read_text()
    (journeys / "one.yaml").write_text(text.replace("subject: Servus", "subject: '{% if customer.first_name %}Hi{% endif %}'"))
    [problem] = compile_folder(journeys).problems
    assert (problem.line, problem.column) == (9, 7)
    assert 'message "hello", in de-AT, cannot be composed for a customer with nothing known' in problem.message
