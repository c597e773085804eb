"""The demo as a newcomer runs it, only smaller and faster; and that it never empties a folder that is not its own."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from idic.dev.demo.audit import ExpectedJourney, Records, missing
from idic.dev.demo.customer_kinds import plan
from idic.dev.demo.demo import empty
from idic.dev.demo.script import SendEvent, SendTraits, Shopper
from idic.dev.local_stack import StackPlan, own_keys, own_settings
from idic.dev.mailbox import Accept, read_accepts
from idic.errors import SettingsError
from idic.journeys_folder import compile_folder
from idic.router.runtime import Runtime
from idic.settings import Settings
from idic.store.tables import Row

ROOT = Path(__file__).parents[2]


def demo(data: Path, ports: tuple[int, int], *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "idic", "demo", "--data", str(data)]
    command += ["--port", str(ports[0]), "--temporal-port", str(ports[1]), *options]
    return subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def test_three_days_in_the_shop_add_up(tmp_path: Path, ports: tuple[int, int]) -> None:
    process = demo(tmp_path / "demo", ports, "--customers", "18", "--days", "3", "--speed", "1d=15s")
    try:
        said, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 0, said
    sent, accepted, routed = numbers(r"events +(\d+) sent by Segment's client = (\d+) accepted = (\d+) routed", said)
    assert sent == accepted == routed > 50
    everybody, *outcomes = numbers(r"enrollments +(\d+): (\d+) goal, (\d+) left, (\d+) ended without, (\d+) waiting", said)
    assert everybody == sum(outcomes)
    assert min(outcomes[:3]) > 0
    gone, arrived = numbers(r"mails +(\d+) sent = (\d+) in the mailbox, each once", said)
    taken = Counter(accept.touch for accept in read_accepts(tmp_path / "demo/mail"))
    assert gone == arrived == len(taken) == taken.total() > 10
    texts, kept, parts = numbers(r"SMS +(\d+) sent = (\d+) in the outbox, in (\d+) parts", said)
    assert parts >= texts == kept > 0
    placed, places, seen = numbers(r"web +(\d+) sent = (\d+) placed; (\d+) seen", said)
    assert placed == places >= seen > 0
    assert numbers(r"clicks +(\d+), and (\d+) unsubscribed", said) >= [3, 1]
    assert "goal reached: Order Completed" in said
    assert "sk_" not in said
    assert "Traceback" not in said


def test_a_demo_stopped_early_shuts_down_cleanly(tmp_path: Path, ports: tuple[int, int]) -> None:
    process = demo(tmp_path / "demo", ports, "--customers", "3")
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if line.startswith("published welcome"):
                break
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert "stopped before the end" in said
    assert "Traceback" not in said
    for log in (tmp_path / "demo/logs").iterdir():
        assert "Traceback" not in log.read_text(), log


def numbers(pattern: str, said: str) -> list[int]:
    found = re.search(pattern, said)
    assert found, f"{pattern}\n{said}"
    return [int(number) for number in found.groups()]


def test_a_folder_of_another_origin_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "photographs" / "1998.jpg"
    precious.parent.mkdir()
    precious.write_text("irreplaceable")
    with pytest.raises(SettingsError, match="choose another with --data"):
        empty(precious.parent)
    assert precious.read_text() == "irreplaceable"


def test_the_folder_of_a_former_demo_is_emptied_without_following_links(tmp_path: Path) -> None:
    precious = tmp_path / "photographs" / "1998.jpg"
    precious.parent.mkdir()
    precious.write_text("irreplaceable")
    folder = tmp_path / "demo"
    empty(folder)
    (folder / "mail").mkdir()
    (folder / "mail" / "00000001.eml").write_text("old")
    (folder / "linked").symlink_to(precious.parent)
    empty(folder)
    assert not (folder / "mail").exists()
    assert not (folder / "linked").is_symlink()
    assert precious.exists()


def test_existing_keys_are_kept_and_missing_keys_are_added(tmp_path: Path) -> None:
    older = {"write": "wk_1", "secret": "sk_1", "signing": "s" * 48}
    (tmp_path / "keys.json").write_text(json.dumps(older))
    keys = own_keys(tmp_path)
    assert (keys.write, keys.secret, keys.signing) == ("wk_1", "sk_1", "s" * 48)
    assert len(keys.proof) == 48
    assert own_keys(tmp_path) == keys


def test_the_demo_ignores_configured_provider_accounts(tmp_path: Path) -> None:
    around = {
        "IDIC_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "IDIC_TWILIO_AUTH_TOKEN": "token",
        "IDIC_SMS_FROM": "+4915700000000",
        "IDIC_SENDGRID_API_KEY": "SG.key",
        "IDIC_EMAIL_ACCOUNTS": "sendgrid",
    }
    own = own_settings(StackPlan(tmp_path), own_keys(tmp_path))
    settings = {name.removeprefix("IDIC_").lower(): value for name, value in (around | own).items()}
    assert Runtime.set_up(Settings.model_validate(settings)).accounts == {
        "email": ("smtp",),
        "sms": ("outbox",),
        "web": ("web",),
    }


def test_the_script_of_customers_is_deterministic() -> None:
    assert plan(50) == plan(50)


@pytest.mark.parametrize(("customers", "days"), [(1, 23), (14, 3), (36, 23), (100, 23)])
def test_the_script_ends_in_time_and_its_customers_are_distinct(customers: int, days: int) -> None:
    shoppers = plan(customers, timedelta(days=days))
    assert len({shopper.user_id for shopper in shoppers}) == customers
    addresses = [shopper.email for shopper in shoppers if shopper.email]
    assert len(set(addresses)) == len(addresses)
    assert all(
        shopper.arrives + moment.after < timedelta(days=days) for shopper in shoppers for moment in shopper.story.moments
    )


def test_the_shop_s_events_are_those_of_the_vocabulary() -> None:
    compilation = compile_folder(ROOT / "journeys")
    told = [act for shopper in plan(36) for act in acts(shopper)]
    for act in told:
        if isinstance(act, SendEvent):
            assert compilation.vocabulary.refusals(act.event, act.properties) == [], act
    messages = {message for program in compilation.programs.values() for message in program.messages}
    assert {message.partition("/")[0] for shopper in plan(36) for message in shopper.story.replies} <= messages
    # These begin on customers' own pages and telephones.
    elsewhere = {"confirm_consent", "your_data", "sms_answers"}
    assert {journey for shopper in plan(36) for journey in shopper.story.enters} == set(compilation.programs) - elsewhere
    assert any(isinstance(act, SendTraits) for act in told)


def acts(shopper: Shopper) -> list[object]:
    told = [*shopper.story.moments, *(moment for reply in shopper.story.replies.values() for moment in reply)]
    return [moment.act for moment in told]


NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


def all_well() -> tuple[Shopper, Records]:
    """One customer who entered both journeys, got a mail, clicked and bought."""
    (anna,) = plan(1)
    anna = anna._replace(story=anna.story._replace(reached=frozenset({"email", "sms", "web"})))
    journeys = {
        name: ExpectedJourney(topic, "marketing") for name, topic in (("welcome", "news"), ("abandoned_cart", "cart_reminders"))
    }
    entered: dict[str, Row] = {
        name: {
            "id": name,
            "customer_id": "anna",
            "journey": name,
            "ended_at": NOW,
            "goal_at": NOW,
            "step": None,
            "deadline": None,
        }
        for name in journeys
    }
    touch: Row = {
        "enrollment_id": "abandoned_cart",
        "customer_id": "anna",
        "channel": "email",
        "message": "cart_reminder",
    }
    touch |= {"status": "sent", "reason": None, "claimed_at": NOW, "attempted_at": NOW, "clicked_at": NOW}
    events: dict[str, Row] = {
        "m1": {"name": "Order Completed", "kind": "track", "routed_at": NOW, "outcome": None},
    }
    consent: Row = {"customer_id": "anna", "channel": "email", "topic": None, "given": True, "at": NOW - timedelta(days=1)}
    return anna, Records(
        now=NOW,
        late=timedelta(hours=1),
        accepts=(Accept("<t@shop.example>", "t", [str(anna.email)], NOW.isoformat(), "00000001.eml"),),
        events=events,
        enrollments=entered,
        touches={"t": touch},
        refusals=[],
        put_off=frozenset(),
        consents=[consent],
        customer={anna.user_id: "anna"},
        customers=1,
        journeys=journeys,
        currency="EUR",
    )


def troubles(anna: Shopper, records: Records, *sent: str) -> str:
    """``anna`` pressed a link in her mail."""
    return "\n".join(missing([anna], dict.fromkeys(sent or ["m1"], "Anna: Order Completed"), {"t"}, records))


def test_nothing_is_missing_when_all_is_well() -> None:
    assert troubles(*all_well()) == ""


def test_missing_steps_are_named() -> None:
    anna, well = all_well()
    touch, cart = well.touches["t"], well.enrollments["abandoned_cart"]
    unrouted = {**well.events, "m1": {**well.events["m1"], "routed_at": None}}
    withdrawn = [*well.consents, {**well.consents[0], "given": False, "topic": "cart_reminders", "at": NOW}]
    waits = {**cart, "ended_at": None, "step": "reaction", "deadline": NOW - timedelta(hours=2)}
    late = {"customer_id": "anna", "enrollment_id": "abandoned_cart", "step": "nudge", "why": {"rule": "too late"}}

    def by(channel: str) -> Records:
        return well._replace(touches={"t": {**touch, "channel": channel}}, accepts=())

    for records, said in (
        (well._replace(events=unrouted), "accepted and not routed: Anna: Order Completed"),
        (
            well._replace(touches={"t": {**touch, "clicked_at": None}}),
            "pressed, and no click arrived: cart_reminder (touch t)",
        ),
        (well._replace(accepts=()), "recorded as sent, and no mail in the mailbox: cart_reminder (touch t)"),
        (by("sms"), "recorded as sent, and not in the outbox: cart_reminder (touch t)"),
        (by("web"), "recorded as sent, and not in the slots: cart_reminder (touch t)"),
        (well._replace(texts=frozenset("t")), "in the outbox and not recorded as sent: cart_reminder (touch t)"),
        (well._replace(accepts=well.accepts * 2), "in the mailbox more than once: cart_reminder (touch t)"),
        (well._replace(touches={}), "in the mailbox and not recorded as sent: touch t, which nobody knows"),
        (well._replace(touches={"t": {**touch, "status": "uncertain"}}), "uncertain, with providers that never fail"),
        (well._replace(touches={"t": {**touch, "status": "failed", "reason": "empty"}}), "failed: cart_reminder"),
        (well._replace(consents=[]), "sent without the customer's consent: cart_reminder (touch t)"),
        (well._replace(consents=withdrawn), "sent without the customer's consent: cart_reminder (touch t)"),
        (well._replace(enrollments={"abandoned_cart": cart}), "should have entered welcome: Anna Schröder"),
        (
            well._replace(enrollments={**well.enrollments, "abandoned_cart": waits}),
            "open, and overdue: abandoned_cart at reaction",
        ),
        (
            well._replace(enrollments={**well.enrollments, "abandoned_cart": {**cart, "goal_at": None}}),
            "should have reached the goal of abandoned_cart: Anna Schröder",
        ),
        (well._replace(refusals=[late]), "too late to be sent"),
    ):
        assert said in troubles(anna, records)
    in_vain = well._replace(enrollments={name: {**one, "goal_at": None} for name, one in well.enrollments.items()})
    assert "should have reached the goal of welcome" in troubles(anna, in_vain)
    # What the policy put off for too long is nobody's fault, and she had nothing to answer, whichever journey would count it.
    assert troubles(anna, in_vain._replace(refusals=[late], put_off=frozenset({("abandoned_cart", "nudge")}))) == ""
    assert "not among the accepted events: Anna" in troubles(anna, well, "m1", "m2")
    nowhere = anna._replace(story=anna.story._replace(reached=frozenset()))
    assert "cannot be reached by email, and yet something is recorded as sent" in troubles(nowhere, well)
    assert "no trace says that this is why nothing was sent" in troubles(nowhere, well)
