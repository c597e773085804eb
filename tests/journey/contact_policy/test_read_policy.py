"""``policy.yaml`` as it is read: what is right, and every refusal beside its exact words; and what journeys add to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from idic.customize.templates import check
from idic.journey.compiler.compile import Compilation, compile_journeys
from idic.journey.compiler.compile_templates import Templates
from idic.journey.contact_policy.contact_policy import Budget, Cap, Gap, Policy, Sender
from idic.journey.program.steps import Send
from idic.times import Duration, Hours
from tests.journey.read_fixtures import VOCABULARY, spoken

HERE = Path(__file__).parent / "fixtures"
POLICY = (HERE / "policy.yaml").read_text()
PLAIN = "journey: {name}\ntopic: news\nidentify: {{on: Cart Updated}}\ninteract: [{{id: pause, wait: 1 day}}]\n"
WELCOME = {f"{name}.yaml": PLAIN.format(name=name) for name in ("welcome", "win_back")}
HOUR = 3600


def under(policy: str | None, journeys: dict[str, str], *, file: str = "policy.yaml") -> Compilation:
    said = (file, policy) if policy is not None else None
    return compile_journeys(journeys, ("vocabulary.yaml", VOCABULARY), Templates(), check, policy=said)


def fixtures(folder: str) -> list[Path]:
    return sorted((HERE / folder).glob("*.yaml"))


@pytest.mark.parametrize("path", fixtures("refused"), ids=lambda path: path.stem)
def test_a_policy_is_refused_in_these_words_and_nothing_compiles(path: Path) -> None:
    compilation = under(path.read_text(), WELCOME, file=path.name)
    assert spoken(compilation.problems) == path.with_suffix(".txt").read_text()
    assert compilation.policy is None
    assert not compilation.programs


@pytest.mark.parametrize("path", fixtures("warned"), ids=lambda path: path.stem)
def test_what_has_no_effect_is_told(path: Path) -> None:
    compilation = under(path.read_text(), WELCOME, file=path.name)
    assert spoken(compilation.problems) == path.with_suffix(".txt").read_text()
    assert set(compilation.programs) == {"welcome", "win_back"}


@pytest.mark.parametrize("path", fixtures("journeys_refused"), ids=lambda path: path.stem)
def test_a_journey_cannot_be_looser(path: Path) -> None:
    compilation = under(POLICY, {path.name: path.read_text()})
    assert spoken(compilation.problems) == path.with_suffix(".txt").read_text()
    assert not compilation.programs


@pytest.mark.parametrize("path", fixtures("journeys_warned"), ids=lambda path: path.stem)
def test_what_ends_in_quiet_hours_is_told(path: Path) -> None:
    compilation = under(POLICY, {path.name: path.read_text()})
    assert spoken(compilation.problems) == path.with_suffix(".txt").read_text()
    assert list(compilation.programs) == [path.stem]


def test_a_policy_is_read_whole() -> None:
    compilation = under((HERE / "accepted" / "whole.yaml").read_text(), WELCOME)
    assert spoken(compilation.problems) == ""
    policy = compilation.policy
    assert policy is not None
    assert policy.consent == {"email": "double", "sms": "double", "web": "none"}
    assert policy.control_group == 5
    quiet = policy.quiet_hours
    assert quiet is not None
    night, noon = Hours.parse("22:00 to 06:00"), Hours.parse("12:00 to 13:00")
    assert (quiet.of("email", "DE"), quiet.of("email", "FR"), quiet.of("web", None)) == ((night, noon), (night, noon), ())
    assert (quiet.of("sms", None), quiet.of("sms", "FR"), quiet.of("sms", "GB")) == (
        (Hours.parse("20:00 to 09:00"),), (Hours.parse("20:00 to 10:00"),), (),
    )  # fmt: skip
    assert policy.caps == (
        # A day of a policy has 24 hours, whatever the clocks do.
        Cap(id="three_a_week", at_most=3, per=Duration(seconds=7 * 24 * HOUR)),
        Cap(id="one_sms_a_day", at_most=1, per=Duration(seconds=24 * HOUR), channels=("sms",), when="skip"),
        Cap(id="news_in_two", at_most=2, per=Duration(seconds=14 * 24 * HOUR), channels=("email", "sms"), topic="news"),
    )
    assert policy.minimum_gap == Gap(between=Duration(seconds=4 * HOUR), channels=("email", "sms"))
    assert (policy.conversation, policy.deferral) == (Duration(seconds=24 * HOUR), Duration(seconds=24 * HOUR))
    assert policy.priority == ("service", "welcome", "others", "win_back")
    assert policy.budget == {"sms": Budget(at_most=5000), "email": Budget(at_most=100_000, when="skip")}
    assert policy.fewer == Cap(id="fewer", at_most=1, per=Duration(seconds=14 * 24 * HOUR))
    assert policy.senders["shop"] == Sender(
        email="Shop <hello@shop.example>", reply_to="care@shop.example", sms="+4915700000000"
    )
    assert policy.default_sender == "shop"
    assert policy.journeys_may == ("quiet_hours", "caps")
    assert Policy.model_validate_json(policy.model_dump_json()) == policy


def test_what_a_policy_does_not_say_is_as_without_one() -> None:
    least = under((HERE / "accepted" / "least.yaml").read_text(), WELCOME)
    assert (spoken(least.problems), least.policy, least.policy_file) == ("", Policy(), "policy.yaml")
    without = under(None, WELCOME)
    assert (without.policy, without.policy_file) == (Policy(), None)
    assert without.programs == least.programs


def test_a_journey_may_be_stricter() -> None:
    text = (
        "journey: gentle\nsender: care\nidentify: {on: Cart Updated}\n"
        "policy:\n"
        "  quiet_hours: {sms: 18:00 to 10:00, web: 00:00 to 06:00}\n"
        "  caps: [{id: one_a_week, at_most: 1, per: 7 days}]\n"
        "  minimum_gap: {between: 1 day}\n"
        "interact:\n  - {id: hello, send: hello, by: email}\n  - {id: soon, send: hello, by: email, within: 9 hours}\n"
        "customize: {hello: {email: {subject: Hello there, body: 'Hello. Stop: {{ links.unsubscribe }}'}}}\n"
    )
    compilation = under(POLICY, {"gentle.yaml": text})
    assert spoken(compilation.problems) == ""
    gentle = compilation.programs["gentle"]
    assert gentle.sender == "care"
    stricter = gentle.stricter
    assert stricter is not None
    assert stricter.quiet_hours is not None
    assert stricter.quiet_hours.of("sms", "FR") == (Hours.parse("18:00 to 10:00"),)
    assert [cap.id for cap in stricter.caps] == ["one_a_week"]
    assert stricter.minimum_gap == Gap(between=Duration(seconds=24 * HOUR))
    # What the policy says of putting off holds for the sends that say nothing.
    assert [step.within for step in gentle.steps.values() if isinstance(step, Send)] == [
        Duration(seconds=48 * HOUR),
        Duration(seconds=9 * HOUR),
    ]


def test_what_the_policy_does_not_hand_out_no_journey_says() -> None:
    text = PLAIN.format(name="own") + "policy: {caps: [{id: one, at_most: 1, per: 7 days}]}\nsender: shop\n"
    assert [problem.text for problem in under(None, {"own.yaml": text}).problems] == [
        "policy: the contact policy does not let journeys say caps; write journeys_may: {stricter: [caps]} in policy.yaml, "
        "or take it out",
        'sender "shop" does not exist; name it under senders: in policy.yaml',
    ]


def test_a_broken_policy_is_told_once() -> None:
    text = PLAIN.format(name="own") + "policy: {caps: [{id: one, at_most: 1, per: 7 days}]}\nsender: shop\n"
    problems = under("caps: many\n", {"own.yaml": text}).problems
    assert [(problem.file, problem.text) for problem in problems] == [
        ("policy.yaml", "caps is a list; write - {id: three_a_week, at_most: 3, per: 7 days}, a line for each")
    ]


def test_every_refusal_is_kept_beside_its_words() -> None:
    for folder in ("refused", "warned", "journeys_refused", "journeys_warned"):
        assert {path.stem for path in fixtures(folder)} == {path.stem for path in (HERE / folder).glob("*.txt")}
