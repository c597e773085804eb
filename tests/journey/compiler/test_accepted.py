"""Valid journeys compile without problems, to the programs that drivers rely on."""

from __future__ import annotations

from pathlib import Path

import pytest

from idic.customize import sms_worst_case
from idic.journey.channels.sms import SmsContent
from idic.journey.channels.web import WebContent
from idic.journey.program.program import Program
from idic.journey.program.steps import Choose, Exit, Send, Split, Wait, WaitFor
from idic.journey.program.values import Target
from idic.journey.report.report import describe_bounds, describe_matching, describe_reads
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.journeys_folder import compile_folder
from idic.times import Duration
from tests.journey.read_fixtures import HERE, VOCABULARY, compiled, spoken

ACCEPTED = sorted((HERE / "accepted").glob("*.yaml"))
JOURNEYS = Path(__file__).parents[3] / "journeys"


def program(name: str) -> Program:
    return compiled((HERE / "accepted" / f"{name}.yaml").read_text()).programs[name]


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: path.stem)
def test_an_accepted_journey_has_no_problems(path: Path) -> None:
    compilation = compiled(path.read_text())
    assert spoken(compilation.problems) == ""
    assert list(compilation.programs) == [path.stem]


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: path.stem)
def test_a_program_survives_json(path: Path) -> None:
    stored = program(path.stem)
    again = Program.model_validate_json(stored.model_dump_json())
    assert again == stored
    assert (again.id, again.flow, again.content) == (stored.id, stored.flow, stored.content)


def test_every_feature_is_in_an_accepted_journey() -> None:
    assert len(ACCEPTED) >= 40


def test_the_shortest_journey_enters_once_and_then_is_done() -> None:
    shortest = program("shortest")
    assert shortest.first == Target(step="pause")
    assert shortest.steps["pause"].then == Target(exit="done")
    assert (shortest.entry.again.kind, shortest.entry.while_in, shortest.entry.key) == ("never", "ignore", None)
    assert (shortest.title, shortest.purpose) == ("Shortest", "marketing")


def test_branches_lead_where_the_file_says() -> None:
    steps = program("every_step").steps
    assert list(steps) == [
        "calm", "mail", "listen", "short", "longer", "test", "second", "fork", "leave_early", "last",
    ]  # fmt: skip
    mail, listen, test, fork = steps["mail"], steps["listen"], steps["test"], steps["fork"]
    assert mail.otherwise == Target(exit="not_asked")
    assert isinstance(listen, WaitFor)
    # Its own steps and `continue` rejoin after the wait; an arm that says nothing goes where the step says.
    assert [arm.then for arm in listen.arms] == [Target(step="short"), Target(step="fork"), Target(exit="emptied")]
    assert [arm.since for arm in listen.arms] == ["sent", "entry", "calm"]
    assert [arm.capture for arm in listen.arms] == [None, "order", None]
    assert listen.otherwise == Target(step="test")
    assert steps["short"].then == Target(step="longer")
    assert steps["longer"].then == Target(step="fork")
    assert isinstance(test, Split)
    assert [(share.name, share.percent, share.then.step) for share in test.shares] == [
        ("plain", 20, "fork"),
        ("offer", 80, "second"),
    ]
    assert isinstance(fork, Choose)
    assert [branch.then for branch in fork.branches] == [Target(step="leave_early"), Target(exit="offered")]
    assert isinstance(steps["leave_early"], Exit)
    assert steps["last"].then == Target(exit="done")


def test_branches_of_a_choice_continue_with_its_then() -> None:
    steps = program("then_of_choices").steps
    tier, half = steps["tier"], steps["half"]
    assert isinstance(tier, Choose)
    assert isinstance(half, Split)
    assert [branch.then for branch in tier.branches] == [Target(step="pause"), Target(step="both"), Target(exit="known")]
    assert (tier.otherwise, steps["pause"].then, steps["both"].then) == (
        Target(step="half"), Target(step="both"), Target(step="half"),
    )  # fmt: skip
    assert [(share.name, share.then.step) for share in half.shares] == [("plain", "rest"), ("offer", "mail")]
    assert steps["mail"].then == Target(step="rest")


def test_a_line_of_several_events_waits_for_any_of_them() -> None:
    reaction = program("any_of_these_events").steps["reaction"]
    assert isinstance(reaction, WaitFor)
    assert [(arm.pattern and arm.pattern.on, arm.capture, arm.then.step) for arm in reaction.arms] == [
        ("Order Completed", "what", "pause"),
        ("Cart Emptied", "what", "pause"),
    ]


def test_default_limits_follow_the_purpose() -> None:
    service, marketing = program("every_step").steps["mail"], program("keyed").steps["mail"]
    assert isinstance(service, Send)
    assert isinstance(marketing, Send)
    assert service.within == Duration(days=3)
    assert marketing.within == Duration(seconds=24 * 3600)


def test_every_event_with_the_key_property_must_match_it_unless_key_is_any() -> None:
    keyed = program("keyed")
    calm, reaction = keyed.steps["calm"], keyed.steps["reaction"]
    assert keyed.entry.key == "cart_id"
    assert keyed.entry.on[0].key is None
    assert isinstance(calm, Wait)
    assert calm.without is not None
    assert calm.without.key == "cart_id"
    assert isinstance(reaction, WaitFor)
    assert [arm.pattern.key for arm in reaction.arms] == [None, "cart_id"]
    assert keyed.goal is not None
    assert keyed.goal.on[0].key == "cart_id"
    assert keyed.leave[0].key == "cart_id"


def test_conditions_carry_the_types_of_what_they_read() -> None:
    whole = program("every_step")
    assert {name: attribute.type.kind for name, attribute in whole.customer.items()} == {
        "orders": "number", "value_tier": "one_of", "nickname": "text", "first_name": "text",
    }  # fmt: skip
    when = whole.steps["mail"].when
    assert when is not None
    assert list(when.reads) == ["last_cart.total"]
    both = whole.entry.on[1].when
    assert both is not None
    assert set(both.reads) == {"customer.orders", "event.brews"}


def test_a_message_reads_the_names_of_its_links() -> None:
    keyed = program("keyed")
    assert keyed.links == {"basket": "https://shop.example/cart/{{ key }}"}
    assert {"key", "links.basket", "cart.items"} <= set(keyed.messages["basket"].reads)


def test_words_and_numbers_with_a_meaning_in_yaml_stay_text() -> None:
    surprises = program("yaml_surprises")
    on = surprises.steps["on"]
    assert isinstance(on, Split)
    assert [share.name for share in on.shares] == ["yes", "no"]
    assert surprises.title == "no"
    assert surprises.messages["no"].contents["email"].subject == "1e3"
    assert surprises.messages["no"].contents["email"].body.startswith("@home, 100% # not a comment\n")


def test_the_example_journeys_compile_with_these_reports() -> None:
    compilation = compile_folder(JOURNEYS)
    assert spoken(compilation.problems) == ""
    assert {name: describe_bounds(program) for name, program in compilation.programs.items()} == {
        "abandoned_cart": "every path ends · at most 2 messages: up to 2 emails, 2 SMS, 1 web"
        " · longest 5 days after the last Cart Updated",
        "confirm_consent": "every path ends · at most 1 email · longest 8 days",
        "sms_answers": "every path ends · at most 1 SMS · longest 1 hour · each time they enter",
        "your_data": "every path ends · at most 1 message: up to 1 email, 1 SMS · longest 24 hours",
        "after_purchase": "every path ends · at most 2 messages: up to 1 email, 2 web · longest 26 days",
        "welcome": "every path ends · at most 3 emails, 1 web · longest 10 days",
        "win_back": "every path ends · at most 2 messages: up to 2 emails, 1 SMS, 1 web · longest 130 days"
        " · each time they enter",
    }
    cart = compilation.programs["abandoned_cart"]
    assert (
        describe_matching(cart) == 'Order Completed, Cart Emptied, Cart Updated: same cart_id · Link Clicked: message "nudge"'
    )
    assert describe_reads(cart, compilation.vocabulary) == "customer.value_tier, .orders, .first_name · nothing sensitive"
    assert sms_worst_case.describe_worst_cases(cart) == (
        "cart_reminder: at most 1 (GSM-7); personal_offer: at most 1 (GSM-7), 3 where a name needs Unicode"
        " · assumed: texts and links of up to 40 characters"
    )
    assert cart.messages["cart_reminder"].contents["email"].form == "mjml"
    assert set(cart.messages["cart_reminder"].blocks) == {
        "footer", "footer.de", "header", "products", "slot_style", "styles",
    }  # fmt: skip


def test_the_most_messages_are_counted_by_channel() -> None:
    channels = program("three_channels")
    # A send takes one of several channels, so there are fewer messages than the sum over the channels.
    assert describe_bounds(channels) == "every path ends · at most 5 messages: up to 1 email, 4 SMS, 3 web · longest 7 days"
    assert sms_worst_case.describe_worst_cases(channels) == (
        "reminder: at most 1 (GSM-7), 3 where a name needs Unicode; last_word: at most 1 (GSM-7); note: at most 1 (Unicode)"
        " · assumed: texts and links of up to 40 characters"
    )
    both = compiled(
        "journey: both\nidentify: {on: Cart Updated}\ninteract: [{id: a, send: hi, by: [sms, email]}]\n"
        "customize: {hi: {sms: Hi you, email: {subject: Hi, body: Hi you}}}\n"
    ).programs["both"]
    assert describe_bounds(both) == "every path ends · at most 1 email, 1 SMS · longest 24 hours"
    assert sms_worst_case.describe_worst_cases(both) == "hi: at most 1 (GSM-7)"


def test_channels_and_slots_are_compiled() -> None:
    channels = program("three_channels")
    assert channels.country == "DE"
    assert [(step.mode, step.channels) for step in channels.steps.values() if isinstance(step, Send)] == [
        ("best_of", ("email", "web", "sms")),
        ("first_of", ("sms", "web")),
        ("each", ("sms", "web")),
        ("each", ("sms",)),
    ]
    hero, note = (channels.messages[name].contents["web"] for name in ("reminder", "last_word"))
    assert isinstance(hero, WebContent)
    assert isinstance(note, WebContent)
    assert (hero.slot, hero.form, hero.show_for, hero.ends_on_click) == ("home_hero", "html", Duration(days=2), True)
    assert (note.slot, note.form, note.show_for, note.ends_on_click) == ("cart_note", "text", Duration(days=7), False)
    assert channels.messages["last_word"].contents["sms"] == SmsContent(text="Last call. Stop: {{ links.unsubscribe }}")


def test_an_undeclared_slot_is_a_warning() -> None:
    text = (HERE / "accepted" / "three_channels.yaml").read_text()
    before, _, after = VOCABULARY.partition("slots:")
    compilation = compiled(text, vocabulary=before + after[after.index("customer:") :])
    assert [(problem.severity, problem.text) for problem in compilation.problems] == [
        ("warning", f'slot "{slot}" is not declared; list the places of your site under slots: in vocabulary.yaml, '
         "so that idic finds misspelled ones")
        for slot in ("home_hero", "cart_note")
    ]  # fmt: skip
    assert list(compilation.programs) == ["three_channels"]


def test_the_report_names_sensitive_attributes() -> None:
    dietary = compiled((HERE / "accepted" / "dietary.yaml").read_text())
    assert (
        describe_reads(dietary.programs["dietary"], dietary.vocabulary) == "customer.allergies · sensitive: allergies (health)"
    )


def test_the_topics_that_restrict_an_attribute_must_exist(tmp_path: Path) -> None:
    (tmp_path / "vocabulary.yaml").write_text("customer: {allergies: {type: list of text, for: [dietary_advise, later_on]}}")
    dietary = (HERE / "accepted" / "dietary.yaml").read_text().replace("Signed Up", "Link Clicked")
    (tmp_path / "dietary.yaml").write_text(dietary)
    assert [f"{problem.severity} {problem.text}" for problem in compile_folder(tmp_path).problems] == [
        'error step "ask": customer.allergies may only be read by a journey with topic: dietary_advise or topic: later_on, '
        "and this one has purpose marketing, topic dietary_advice",
        'warning for: "dietary_advise" is neither a purpose nor the topic of a journey; did you mean "dietary_advice"?',
    ]


def test_an_error_in_one_journey_does_not_affect_the_others(tmp_path: Path) -> None:
    good = "journey: good\nidentify: {on: Link Clicked}\ninteract: [{id: pause, wait: 1 day}]\n"
    (tmp_path / "good.yaml").write_text(good)
    (tmp_path / "bad.yaml").write_text(good.replace("good", "bad").replace("1 day", "1 dya"))
    (tmp_path / "latin.yaml").write_bytes("journey: größe".encode("latin-1"))
    (tmp_path / "twice.yaml").write_text(good)
    compilation = compile_folder(tmp_path)
    assert list(compilation.programs) == ["good"]
    assert [f"{Path(problem.file).name} {problem.text}" for problem in compilation.problems] == [
        'bad.yaml step "pause": wait: "dya" is not a unit of time; use seconds, minutes, hours, days or weeks',
        f'twice.yaml journey "good" is in {tmp_path / "good.yaml"} already; choose another name',
        "latin.yaml the file is not UTF-8; save it again as UTF-8",
    ]


def test_a_wrong_vocabulary_is_reported_once_and_nothing_compiles() -> None:
    text = "journey: j\nidentify: {on: Link Clicked, if: customer.age > 3}\ninteract: [{id: pause, wait: 1 day}]\n"
    compilation = compiled(text, vocabulary="customer:\n  age: int\n")
    assert [problem.text for problem in compilation.problems] == ['"int" is not a type; write number']
    assert not compilation.programs


def test_templates_are_checked_in_their_own_files(tmp_path: Path) -> None:
    (tmp_path / "templates" / "blocks").mkdir(parents=True)
    (tmp_path / "templates" / "hello.html").write_text("<p>Hi</p>\n{% render 'foot' %}{{ customer.frist_name }}")
    (tmp_path / "templates" / "hello.de.html").write_text("<p>Hallo</p>")
    (tmp_path / "templates" / "blocks" / "foot.html").write_text("{{ links.unsubscribe }} {{ links.legal_note }}")
    (tmp_path / "vocabulary.yaml").write_text("languages: [en, de]\ncustomer: {first_name: text}\n")
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(
            f"journey: {name}\nidentify: {{on: Link Clicked}}\ninteract: [{{id: mail, send: hello, by: email}}]\n"
            "customize: {hello: {email: {subject: Hi, body: hello.html}}}\n"
        )
    problems = compile_folder(tmp_path).problems
    assert [
        (Path(problem.file).name, problem.severity, problem.line, problem.column, problem.text) for problem in problems
    ] == [
        ("foot.html", "error", 1, 28, "links.legal_note does not exist"),
        ("hello.html", "error", 2, 23, 'customer.frist_name does not exist; did you mean "customer.first_name"?'),
    ]  # fmt: skip


def test_without_a_vocabulary_only_built_in_names_exist() -> None:
    compilation = compiled(
        "journey: j\nidentify: {on: Consent Given, if: 'event.channel == \"email\"'}\ninteract: [{id: a, wait: 1 day}]\n",
        vocabulary="",
    )
    assert list(compilation.programs) == ["j"]
    assert compilation.vocabulary == Vocabulary()
