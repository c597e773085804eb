"""Walk a throw-away channel through idic: run by ``tests/test_families.py`` in a copy of idic that has the channel."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import yaml

import worker
from activities.deliver import Deliver
from idic.api.consents import ConsentSaid
from idic.api.console import describe_rows
from idic.api.pages.page_texts import PageTexts
from idic.cli.run import preview
from idic.customize.dry_run import dry_run
from idic.customize.templates import check
from idic.identify.names import attribute_name
from idic.interact.policy import decide
from idic.interact.policy.touch_request import Consent, Contact, PolicyFacts
from idic.journey.compiler.compile import Compilation, compile_journeys
from idic.journey.compiler.compile_templates import Templates
from idic.journey.contact_policy.contact_policy import Policy
from idic.journey.contact_policy.read_policy import read_policy
from idic.journey.engine.protocol import Allow, Defer, Skip
from idic.journey.fmt.format import format_file
from idic.journey.program.program import Program
from idic.journey.report.report import describe_bounds
from idic.picture import describe
from idic.picture.mermaid import mermaid
from idic.picture.svg import svg
from idic.problems import Problems
from idic.providers import registry
from idic.providers.pigeon.provider import TAKEN
from idic.rehearse.crowd.behaviour import CrowdBehaviour
from idic.router.runtime import Runtime
from idic.schemas import SCHEMAS
from idic.settings import Settings, described
from idic.store.database import Store
from idic.store.upgrade import migrate
from tests.conftest import HandClock
from tests.router.world import World

JOURNEY = """\
journey: welcome
topic: news
identify: {on: Signed Up}
interact:
  - {id: hello, send: greeting, by: push}
  - {id: heard, wait_for: {on: Link Clicked, of: hello}, within: 1 day, otherwise: continue}
customize:
  greeting:
    push: {title: "Hello {{ customer.first_name | default: 'there' }}", text: Good to have you here}
"""
VOCABULARY = """\
currency: EUR
topics: {news: {title: News}}
customer: {first_name: text}
events: {Signed Up: {}}
"""
POLICY = """\
consent: {push: double}
quiet_hours: {push: 21:00 to 08:00}
caps: [{id: one_push, channel: push, at_most: 1, per: 1 day}]
budget: {push: 1000 a day}
"""
NOON = datetime(2026, 7, 1, 10, tzinfo=UTC)
SETTINGS = {"signing_keys": "a key of our own to sign links with", "smtp_url": "smtp://localhost:1025", "pigeon_key": "k"}


def compiled(journey: str) -> Compilation:
    return compile_journeys({"welcome.yaml": journey}, ("vocabulary.yaml", VOCABULARY), Templates(), check)


def accepted() -> Program:
    compilation = compiled(JOURNEY)
    errors = [problem.text for problem in compilation.problems if problem.severity == "error"]
    assert errors == [], errors
    [program] = compilation.programs.values()
    assert Program.model_validate_json(program.model_dump_json(exclude_defaults=True)) == program
    assert format_file("welcome.yaml", JOURNEY).problems == ()
    return program


def refused() -> None:
    for written, expected in (
        (JOURNEY.replace("title: ", "headline: "), "title"),
        (JOURNEY.replace("by: push", "by: [push, sms]"), 'message "greeting" has no content for sms'),
        (JOURNEY.replace("    push:", "    notification:"), "push:"),
        (
            JOURNEY.replace("    push: {", "    email: {subject: Hi, body: Hi, ").replace(", title:", ", text:"),
            "push: title and text",
        ),
    ):
        problems = [problem.text for problem in compiled(written).problems if problem.severity == "error"]
        assert any(expected in problem for problem in problems), (expected, problems)


def schema() -> None:
    for kind, text, wrong in (("journey", JOURNEY, "by: pusch"), ("policy", POLICY, "pusch: double")):
        validator = jsonschema.Draft202012Validator(SCHEMAS[kind]())
        assert list(validator.iter_errors(yaml.load(text, Loader=yaml.BaseLoader))) == []
        assert (
            list(validator.iter_errors(yaml.load(text.replace(wrong.replace("pusch", "push"), wrong), Loader=yaml.BaseLoader)))
            != []
        )


def policy(program: Program) -> Policy:
    problems = Problems({"policy.yaml": POLICY})
    read = read_policy("policy.yaml", POLICY, problems).policy
    assert problems.all() == ()
    assert Policy().consent["push"] == "single"
    given = Consent("push", None, True, NOON, confirmed=True)

    def asked(now: datetime, *consents: Consent, contacts: tuple[Contact, ...] = (), token: str = "t") -> object:
        customer = PolicyFacts("anna", {"push_token": token}, "UTC", consents, contacts=contacts)
        return decide.ask(customer, program, "push", now, policy=read)

    assert isinstance(asked(NOON, given), Allow)
    never = asked(NOON)
    assert isinstance(never, Skip)
    assert never.reason == "never consented to push"
    unreached = asked(NOON, given, token="")
    assert isinstance(unreached, Skip)
    assert unreached.reason == "the customer does not have the app"
    night = asked(NOON.replace(hour=22), given)
    assert isinstance(night, Defer)
    assert night.reason == "push message quiet hours, 21:00 to 08:00"
    often = asked(NOON, given, contacts=(Contact(NOON, "push", "welcome"),))
    assert isinstance(often, Defer)
    assert "1 of 1 push message in 1 day" in often.reason
    return read


def described_and_drawn(program: Program) -> None:
    assert "push message" in program.steps["hello"].describe().title
    assert describe.content(program.messages["greeting"].contents["push"]) == "Hello …"
    assert "#123456" in svg(program)
    assert "push message" in mermaid(program)
    assert "at most 1 push" in describe_bounds(program), describe_bounds(program)
    assert describe_rows.CHANNELS["push"] == "Push"
    assert PageTexts("de")("by.push") == "by push message"
    assert CrowdBehaviour().reach["push"] == 0.4
    assert {"IDIC_PIGEON_KEY", "IDIC_PUSH_ACCOUNTS"} <= {variable for variable, _, _ in described()}
    assert ConsentSaid.model_json_schema()["properties"]["channel"]["enum"][-1] == "push"
    nobody = preview.stranger("nobody")
    assert nobody is not None
    scope = preview.Assuming(program, "greeting", nobody, NOON)
    shown = preview.render(program, "greeting", "push", scope, nobody, "https://idic.example", "https://idic.example")
    assert (shown.subject, shown.text) == ("Hello there", "Good to have you here")


async def delivered(program: Program, store: Store, clock: HandClock) -> None:
    """Claimed with consent, delivered by the throw-away provider, recorded."""

    async def remember(touch: str, links: Mapping[str, str]) -> bool:
        return True

    settings = Settings.model_validate(SETTINGS)
    assert registry.accounts(settings)["push"] == ("pigeon",)
    world = World(store, clock)
    world.runtime = Runtime.set_up(settings)
    couriers = {courier.account: courier for courier in worker.couriers(settings, remember)}
    world.advancing.runtime = world.runtime
    world.delivering = Deliver(store, world.runtime, couriers, begin_within=60)
    await world.publish(program)
    anna = await world.customer(**{attribute_name("pushToken"): "token-of-anna"}, first_name="Anna")
    await world.happens(anna, "Consent Given", {"channel": "push"})
    await world.happens(anna, "Signed Up")
    [touch] = await world.touches()
    assert (touch.channel, touch.account, touch.status) == ("push", "pigeon", "claimed")
    await world.deliver(touch.id)
    [touch] = await world.touches()
    assert (touch.status, touch.provider_id) == ("sent", "pigeon-1")
    assert TAKEN == [("token-of-anna", "Hello Anna", "Good to have you here")]


async def main(folder: Path) -> None:
    program = accepted()
    assert dry_run(program) == ()
    refused()
    schema()
    policy(program)
    described_and_drawn(program)
    clock = HandClock()
    store = Store.open(f"sqlite:///{folder}/idic.db", clock)
    try:
        await migrate(store)
        await delivered(program, store, clock)
    finally:
        await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
