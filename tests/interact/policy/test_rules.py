"""The contact policy holds, whatever is asked of it in whatever order: held against the plainest reading of what it says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from idic.interact.channels.channel_edge import Reach
from idic.interact.policy.decide import ask
from idic.interact.policy.quiet_hours import ends, quiet
from idic.interact.policy.rules import NAMES, rules
from idic.interact.policy.touch_request import Coming, Consent, Contact, PolicyFacts, Reply, Suppressed, TouchRequest
from idic.journey.contact_policy.contact_policy import Cap, Gap, Policy, Quiet, StricterPolicy
from idic.journey.engine.protocol import Allow, Defer, Skip, Verdict
from idic.journey.program.entry import Entry
from idic.journey.program.program import Program
from idic.journey.program.values import DONE
from idic.times import Duration, Hours

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CHANNELS = ("email", "sms", "web")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "Africa/Casablanca", "UTC")
# Shortly before clocks are moved somewhere, and in no such night.
STARTS = (
    datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 3, 7, 20, tzinfo=UTC),
    datetime(2026, 10, 31, 20, tzinfo=UTC), datetime(2026, 4, 4, 8, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC),
)  # fmt: skip
ACCEPTED = [Consent(channel, None, True, STARTS[2] - 9 * DAY, confirmed=True) for channel in CHANNELS]


def span(**parts: float) -> Duration:
    return Duration(seconds=timedelta(**parts).total_seconds())


def journey(name: str = "cart", *, purpose: str = "marketing", topic: str | None = "news", **more: Any) -> Program:
    return Program.made(
        journey=name, title=name, purpose=purpose, topic=topic, entry=Entry(), first=DONE, steps={}, country="DE", **more
    )


def asked(
    policy: Policy,
    now: datetime,
    channel: str = "email",
    program: Program | None = None,
    customer: str = "anna",
    **known: Any,
) -> Verdict:
    about = PolicyFacts(customer, {}, "Europe/Berlin", ACCEPTED)._replace(**known)
    return ask(about, program or journey(), channel, now, policy=policy, found=Reach("somewhere"))


def at(text: str, zone: str = "Europe/Berlin") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def is_quiet(windows: tuple[Hours, ...], instant: datetime, zone: str) -> bool:
    """By reading the clock on the wall."""
    wall = f"{instant.astimezone(ZoneInfo(zone)):%H:%M}"
    for window in windows:
        opens, _, closes = str(window).partition(" to ")
        if opens <= wall < closes or (opens > closes and (wall >= opens or wall < closes)):
            return True
    return False


# What is drawn


clocks = some.builds("{:02}:{:02}".format, some.integers(0, 23), some.sampled_from([0, 15, 30, 59]))
windows = some.tuples(clocks, clocks).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: Hours.parse(" to ".join(pair)))
several = some.lists(windows, min_size=1, max_size=2).map(tuple)
whens = some.sampled_from(["defer", "defer", "skip"])
spans = some.sampled_from([span(hours=1), span(hours=5), span(days=1), span(days=7)])
of_channels = some.sampled_from([(), ("sms",), ("email", "sms")])
caps = some.lists(
    some.builds(
        Cap,
        id=some.sampled_from(["a", "b"]),
        at_most=some.integers(0, 3),
        per=spans,
        channels=of_channels,
        topic=some.sampled_from([None, None, "news"]),
        when=whens,
    ),
    max_size=2,
).map(tuple)
gaps = some.none() | some.builds(Gap, between=spans, channels=of_channels, when=whens)
quiets = some.none() | some.builds(
    Quiet,
    hours=some.dictionaries(some.sampled_from(CHANNELS), several),
    by_country=some.dictionaries(some.just("DE"), some.dictionaries(some.sampled_from(CHANNELS), several | some.just(()))),
    when=whens,
)
policies = some.builds(
    Policy,
    caps=caps,
    minimum_gap=gaps,
    quiet_hours=quiets,
    priority=some.sampled_from([(), ("cart", "others")]),
    fewer=some.builds(Cap, id=some.just("fewer"), at_most=some.integers(1, 2), per=spans),
    consent=some.fixed_dictionaries({name: some.sampled_from(["none", "single", "double"]) for name in CHANNELS}),
)
stricter = some.none() | some.builds(StricterPolicy, caps=caps, minimum_gap=gaps, quiet_hours=quiets)


class Act(NamedTuple):
    """Something that happens in the life of a customer."""

    what: str
    which: int
    channel: str
    passes: int


acts = some.lists(
    some.builds(
        Act,
        some.sampled_from(
            ["ask", "ask", "ask", "ask", "send", "send", "send", "fail", "uncertain", "give", "confirm", "withdraw", "fewer"]
        ),
        some.integers(0, 5),
        some.sampled_from(CHANNELS),
        some.sampled_from([0, 0, 1, 20, 59, 60, 61, 299, 300, 301, 720, 1439, 1440, 1441, 3000, 10080]),
    ),
    max_size=25,
)


class Life:
    """A customer to whom two journeys write, and everything that was sent to them."""

    def __init__(self, policy: Policy, own: StricterPolicy | None, zone: str, start: datetime) -> None:
        self.policy = policy
        self.zone = zone
        self.now = start
        self.programs = (journey("cart", topic="news", stricter=own), journey("other", topic=None))
        self.consents: list[Consent] = []
        self.claimed: list[Contact] = []
        self.sent: list[tuple[Contact, Program, bool, list[Consent]]] = []
        self.fewer = False

    def ask(self, program: Program, channel: str, besides: Contact | None = None) -> Verdict:
        contacts = [*(one[0] for one in self.sent), *self.claimed]
        if besides is not None:
            contacts.remove(besides)
        known = PolicyFacts("anna", {}, self.zone, list(self.consents), contacts=contacts, fewer=self.fewer)
        verdict = ask(known, program, channel, self.now, policy=self.policy, found=Reach("somewhere"))
        self.explains(verdict)
        if isinstance(verdict, Defer):
            self.converges(program, channel, known)
        return verdict

    def holds_every_place(self, program: Program) -> None:
        """What is claimed and what was sent never come to more than a cap has room for, whenever what is claimed leaves."""
        for cap in (*self.policy.caps, *(program.stricter or StricterPolicy()).caps):
            of = self.claimed[-1]
            if counts(cap, of):
                since = self.now - timedelta(seconds=cap.per.seconds)
                taken = [c for c in self.claimed if counts(cap, c)]
                taken += [c for c, *_ in self.sent if counts(cap, c) and c.at > since]
                assert len(taken) <= cap.at_most, cap

    def explains(self, verdict: Verdict) -> None:
        if isinstance(verdict, Allow):
            assert set(verdict.rules) <= set(NAMES)
            return
        assert verdict.rule in NAMES
        assert len(verdict.reason) > 8
        assert not set("{}<>") & set(verdict.reason)
        if isinstance(verdict, Defer):
            assert verdict.until > self.now

    def converges(self, program: Program, channel: str, known: PolicyFacts) -> None:
        """What is put off goes in the end, if nothing else is sent; and who put it off does not do so again."""
        # What is on its way leaves at once.
        known = known._replace(contacts=[c._replace(unsent=False, at=self.now if c.unsent else c.at) for c in known.contacts])
        now, objected = self.now, set[str]()
        for _ in range(8):
            verdict = ask(known, program, channel, now, policy=self.policy, found=Reach("somewhere"))
            if not isinstance(verdict, Defer):
                return
            honest = next(rule for rule in rules(self.policy, program) if rule.name == verdict.rule)
            assert honest(self.request(known, program, channel, verdict.until)) is None, verdict
            now = verdict.until
            objected.add(verdict.rule)
        raise AssertionError(f"put off for ever by {objected}")

    def request(self, known: PolicyFacts, program: Program, channel: str, now: datetime) -> TouchRequest:
        return TouchRequest(
            now=now, channel=channel, purpose=program.purpose, topic=program.topic, address="somewhere", zone=known.zone,
            open=True, traits={}, consents=known.consents, customer=known.id, journey=program.journey, country="DE",
            contacts=known.contacts, coming=known.coming, fewer=known.fewer,
        )  # fmt: skip

    def does(self, act: Act) -> None:
        self.now += timedelta(minutes=act.passes)
        program = self.programs[act.which % 2]
        of = self.claimed[act.which % len(self.claimed)] if self.claimed else None
        match act.what:
            case "ask" if isinstance(self.ask(program, act.channel), Allow):
                self.claimed.append(Contact(self.now, act.channel, program.journey, program.topic, unsent=True))
                self.holds_every_place(program)
            case "send" | "uncertain" if of is not None:
                mine = next(one for one in self.programs if one.journey == of.journey)
                allowed = isinstance(self.ask(mine, of.channel, besides=of), Allow)
                self.claimed.remove(of)
                if allowed:
                    left = of._replace(at=self.now, unsent=False)
                    self.sent.append((left, mine, self.fewer, list(self.consents)))
            case "fail" if of is not None:
                self.claimed.remove(of)
            case "give" | "confirm" | "withdraw":
                topic = "news" if act.which == 0 else None
                self.consents.append(
                    Consent(act.channel, topic, act.what != "withdraw", self.now, confirmed=act.what == "confirm")
                )
            case "fewer":
                self.fewer = not self.fewer


def keeps_cap(life: Life, cap: Cap, number: int) -> bool:
    """Whether no more than that were in the window that ends with this message."""
    last = life.sent[number][0]
    per = timedelta(seconds=cap.per.seconds)
    inside = [one for one, *_ in life.sent[: number + 1] if counts(cap, one) and last.at - one.at < per]
    return not counts(cap, last) or len(inside) <= cap.at_most


def counts(cap: Cap, one: Contact) -> bool:
    return (not cap.channels or one.channel in cap.channels) and (cap.topic is None or one.topic == cap.topic)


def may_be_written_to(said: list[Consent], channel: str, topic: str | None, level: str) -> bool:
    """By what was said, read from its beginning."""
    given, confirmed, anything = False, False, False
    for one in said:
        if one.channel != channel or one.topic not in (None, topic):
            continue
        anything = True
        given = one.given
        confirmed = one.given and (confirmed or one.confirmed)
    return {"none": given or not anything, "single": given, "double": confirmed}[level]


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(policies, stricter, some.sampled_from(ZONES), some.sampled_from(STARTS), acts)
def test_no_sequence_of_requests_and_leaps_of_the_clock_breaks_a_rule(
    policy: Policy, own: StricterPolicy | None, zone: str, start: datetime, happening: list[Act]
) -> None:
    life = Life(policy, own, zone, start)
    for channel in CHANNELS:
        life.does(Act("confirm", 1, channel, 0))
    for act in happening:
        life.does(act)
    for number, (one, program, fewer, consents) in enumerate(life.sent):
        added = program.stricter or StricterPolicy()
        for cap in (*policy.caps, *added.caps, *((policy.fewer,) if fewer else ())):
            assert keeps_cap(life, cap, number), (cap, number)
        for gap in filter(None, (policy.minimum_gap, added.minimum_gap)):
            same = [c.at for c, *_ in life.sent[:number] if not gap.channels or c.channel in gap.channels]
            if same and (not gap.channels or one.channel in gap.channels):
                assert one.at - max(same) >= timedelta(seconds=gap.between.seconds)
        for hours in filter(None, (policy.quiet_hours, added.quiet_hours)):
            of_country = hours.by_country.get("DE", {})
            windows_now = of_country[one.channel] if one.channel in of_country else hours.hours.get(one.channel, ())
            assert not is_quiet(windows_now, one.at, zone)
        assert may_be_written_to(consents, one.channel, one.topic, policy.consent[one.channel])


@settings(max_examples=300, deadline=None)
@given(several, some.sampled_from(ZONES), some.sampled_from(STARTS), some.integers(0, 3 * 24 * 60), some.integers(0, 59))
@example((Hours.parse("22:00 to 02:30"),), "Europe/Berlin", STARTS[0], 11 * 60, 0)
@example((Hours.parse("22:00 to 02:30"),), "Europe/Berlin", STARTS[1], 12 * 60, 30)
@example((Hours.parse("01:45 to 02:15"),), "Australia/Lord_Howe", STARTS[4], 6 * 60, 59)
def test_quiet_hours_end_at_the_first_minute_that_is_not_quiet(
    hours: tuple[Hours, ...], zone: str, start: datetime, minutes: int, seconds: int
) -> None:
    now = start + timedelta(minutes=minutes, seconds=seconds)
    assert (quiet(hours, now, zone) is not None) == is_quiet(hours, now, zone)
    over = ends(hours, now, zone)
    if not is_quiet(hours, now, zone):
        assert over == now
        return
    whole = now.replace(second=0)
    ticks = (whole + timedelta(minutes=number) for number in range(1, 4 * 24 * 60))
    assert over == next((tick for tick in ticks if not is_quiet(hours, tick, zone)), None)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-28 23:00", "2026-03-29 09:00"),  # an hour shorter than other nights
        ("2026-10-24 23:00", "2026-10-25 09:00"),  # an hour longer
        ("2026-07-01 20:00", "2026-07-02 09:00"),
        ("2026-07-01 08:59", "2026-07-01 09:00"),
    ],
)
def test_quiet_hours_are_those_of_the_customers_wall(now: str, until: str) -> None:
    policy = Policy(quiet_hours=Quiet(hours={"sms": (Hours.parse("20:00 to 09:00"),)}))
    verdict = asked(policy, at(now), "sms")
    assert verdict == Defer(at(until), "quiet hours", "SMS quiet hours, 20:00 to 09:00")
    assert isinstance(asked(policy, at(until), "sms"), Allow)
    assert isinstance(asked(policy, at(now), "email"), Allow)


def test_the_hours_of_a_country_stand_in_place_of_the_others() -> None:
    policy = Policy(
        quiet_hours=Quiet(
            hours={"sms": (Hours.parse("20:00 to 09:00"),)},
            by_country={"FR": {"sms": (Hours.parse("20:00 to 10:00"),)}, "GB": {"sms": ()}},
            when="skip",
        )
    )
    half_past_nine = at("2026-07-01 09:30")
    assert isinstance(asked(policy, half_past_nine, "sms"), Allow)
    assert asked(policy, half_past_nine, "sms", traits={"country": "fr"}) == Skip(
        "quiet hours", "SMS quiet hours, 20:00 to 10:00"
    )
    assert isinstance(asked(policy, at("2026-07-01 23:00"), "sms", traits={"country": "GB"}), Allow)


def test_a_cap_says_how_many_and_when_the_next_is_possible() -> None:
    policy = Policy(caps=(Cap(id="three_a_week", at_most=3, per=span(days=7)),))
    noon = at("2026-07-10 12:00")
    week = [Contact(noon - days * DAY, "email", "any") for days in (8, 6, 2, 1)]
    assert asked(policy, noon, contacts=week) == Defer(
        noon + DAY, "caps", "3 of 3 messages in 7 days (three_a_week); the next is possible on Sat 12:00"
    )
    assert isinstance(asked(policy, noon + DAY, contacts=week), Allow)
    assert isinstance(asked(policy, noon + DAY - timedelta(seconds=1), contacts=week), Defer)
    assert isinstance(asked(policy, noon, contacts=week[1:3]), Allow)
    # One that is claimed may leave at any moment, so it is in the window until it has.
    claimed = [*week[:2], Contact(noon - 6 * DAY, "email", "any", unsent=True)]
    assert isinstance(asked(policy, noon, contacts=[*claimed, Contact(noon, "sms", "any")]), Defer)


def test_a_country_is_known_by_what_people_write_for_it_and_none_is_made_up() -> None:
    night = at("2026-07-10 20:30", "Europe/Berlin")
    hours = Quiet(hours={}, by_country={"GB": {"email": (Hours.parse("20:00 to 08:00"),)}})
    for written in ("GB", "uk", " UK "):
        assert isinstance(asked(Policy(quiet_hours=hours), night, traits={"country": written}), Defer)
    for written in ("XX", "Great Britain", ""):
        assert isinstance(asked(Policy(quiet_hours=hours), night, traits={"country": written}), Allow)


def test_fewer_is_a_cap_of_those_who_asked_for_it() -> None:
    noon = at("2026-07-10 12:00")
    yesterday = [Contact(noon - DAY, "email", "any")]
    assert isinstance(asked(Policy(), noon, contacts=yesterday), Allow)
    verdict = asked(Policy(), noon, contacts=yesterday, fewer=True)
    assert verdict == Defer(
        noon + 6 * DAY, "fewer messages", "1 of 1 message in 7 days (fewer); the next is possible on Thu 16 Jul 12:00"
    )


def test_an_answer_to_the_customers_own_reply_escapes_caps_and_gap_and_nothing_else() -> None:
    noon = at("2026-07-10 12:00")
    policy = Policy(
        caps=(Cap(id="one", at_most=1, per=span(days=7)),), minimum_gap=Gap(between=span(hours=4)), conversation=span(hours=24)
    )
    minute_ago = [Contact(noon - timedelta(minutes=1), "sms", "any")]
    reply = Reply(noon - 20 * HOUR, "sms")
    assert isinstance(asked(policy, noon, "sms", contacts=minute_ago), Defer)
    assert isinstance(asked(policy, noon, "sms", contacts=minute_ago, reply=reply, fewer=True), Allow)
    assert isinstance(asked(policy, noon + 5 * HOUR, "sms", contacts=minute_ago, reply=reply), Defer)
    night = policy.changed(quiet_hours=Quiet(hours={"sms": (Hours.parse("11:00 to 13:00"),)}))
    assert isinstance(asked(night, noon, "sms", contacts=minute_ago, reply=reply), Defer)
    assert isinstance(asked(policy, noon, "sms", contacts=minute_ago, reply=reply, consents=[]), Skip)
    # Who wants no SMS any more has not asked for mails without an end.
    for keyword in ("stop", "help"):
        assert isinstance(asked(policy, noon, contacts=minute_ago, reply=reply._replace(keyword=keyword)), Defer)


def test_what_goes_first_keeps_the_last_place() -> None:
    noon = at("2026-07-10 12:00")
    policy = Policy(caps=(Cap(id="two", at_most=2, per=span(days=7)),), priority=("service", "cart", "others", "win_back"))
    one = [Contact(noon - DAY, "email", "any")]
    soon = [Coming(noon + HOUR / 2, "cart", ("email",))]
    verdict = asked(policy, noon, program=journey("win_back"), contacts=one, coming=soon)
    assert verdict == Defer(
        noon + HOUR / 2 + timedelta(minutes=1), "priority", "cart goes first, and will ask for the last place on Fri 12:30"
    )
    assert isinstance(asked(policy, noon, program=journey("win_back"), contacts=[], coming=soon), Allow)  # room for both
    assert isinstance(asked(policy, noon, program=journey("cart"), contacts=one, coming=soon), Allow)
    later = [Coming(noon + 2 * HOUR, "cart", ("email",))]
    assert isinstance(asked(policy, noon, program=journey("win_back"), contacts=one, coming=later), Allow)
    # Both were put off until now, and of those the lower one happens to be asked first.
    at_once = [Coming(noon - timedelta(seconds=2), "cart", ("email",))]
    verdict = asked(policy, noon, program=journey("win_back"), contacts=one, coming=at_once)
    assert isinstance(verdict, Defer)
    assert verdict.until == noon + timedelta(seconds=58)
    assert isinstance(asked(policy, verdict.until, program=journey("win_back"), contacts=one, coming=at_once), Allow)
    behind = [Coming(noon + HOUR / 2, "win_back", ("email",))]
    assert isinstance(asked(policy, noon, program=journey("spring"), contacts=one, coming=behind), Allow)
    full = [*one, Contact(noon - DAY, "sms", "any")]  # it could not go anyway, and so keeps nothing from anybody
    verdict = asked(policy.changed(caps=(Cap(id="sms", at_most=1, per=span(days=7), channels=("sms",)),)), noon,
                    program=journey("win_back"), contacts=full, coming=[Coming(noon + HOUR / 2, "cart", ("sms",))])  # fmt: skip
    assert isinstance(verdict, Allow)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    policies.map(lambda policy: policy.changed(priority=("cart", "others"))),
    some.lists(some.tuples(some.integers(0, 4000), some.sampled_from(CHANNELS)), max_size=4),
    some.lists(some.tuples(some.integers(-10, 200), some.sampled_from(CHANNELS)), min_size=1, max_size=4),
    some.sampled_from(CHANNELS),
)
def test_a_reserved_place_is_given_free_at_the_time_that_was_said(
    policy: Policy, before: list[tuple[int, str]], after: list[tuple[int, str]], channel: str
) -> None:
    life = Life(policy, None, "Europe/Berlin", STARTS[5])
    contacts = [Contact(life.now - timedelta(minutes=minutes), of, "any") for minutes, of in before]
    coming = [Coming(life.now + timedelta(minutes=minutes), "cart", (of,), "news") for minutes, of in after]
    known = PolicyFacts("anna", {}, life.zone, ACCEPTED, contacts=contacts, coming=coming)
    life.converges(life.programs[1], channel, known)


def test_the_gap_counts_from_the_last_message() -> None:
    noon = at("2026-07-10 12:00")
    policy = Policy(minimum_gap=Gap(between=span(hours=4), channels=("email", "sms")))
    before = [Contact(noon - HOUR, "sms", "any"), Contact(noon, "web", "any")]
    assert isinstance(asked(policy, noon + 3 * HOUR - timedelta(seconds=1), contacts=before), Defer)
    assert isinstance(asked(policy, noon + 3 * HOUR, contacts=before), Allow)
    verdict = asked(policy, noon, contacts=before)
    assert verdict == Defer(
        noon + 3 * HOUR, "minimum gap",
        "less than 4 hours after the last message of email and SMS; the next is possible on Fri 15:00",
    )  # fmt: skip


def test_a_pause_that_somebody_asked_for_ends_when_they_said() -> None:
    noon = at("2026-07-10 12:00")
    verdict = asked(Policy(), noon, paused_until=noon + 20 * DAY)
    assert verdict == Defer(noon + 20 * DAY, "paused by the customer", "asked for a pause until Thu 30 Jul 12:00")
    assert isinstance(asked(Policy(), noon + 20 * DAY, paused_until=noon + 20 * DAY), Allow)


def test_the_control_group_is_its_share_of_all_and_always_the_same() -> None:
    policy, noon = Policy(control_group=20), at("2026-07-10 12:00")
    people = [f"customer-{number}" for number in range(2000)]
    left_alone = [who for who in people if isinstance(asked(policy, noon, customer=who), Skip)]
    assert 330 < len(left_alone) < 470
    for program in (journey("other"), journey("cart", topic=None)):
        assert [who for who in people[:300] if isinstance(asked(policy, noon, program=program, customer=who), Skip)] == [
            who for who in left_alone if who in people[:300]
        ]
    verdict = asked(policy, noon, customer=left_alone[0])
    assert verdict == Skip("control group", "one of the 20 % who are left alone so that lift can be measured")
    assert isinstance(asked(policy, noon, program=journey(purpose="service"), customer=left_alone[0]), Allow)
    # A larger share takes more of them in, and lets nobody go.
    assert all(isinstance(asked(policy.changed(control_group=30), noon, customer=who), Skip) for who in left_alone)


def test_consent_counts_as_it_stands_and_as_the_channel_needs_it() -> None:
    noon = at("2026-07-10 12:00")
    double = Policy(consent={"email": "double", "sms": "single", "web": "none"})
    filled_in = [Consent("email", "news", True, noon - DAY)]
    assert asked(double, noon, consents=filled_in) == Skip(
        "consent", "consent to email of 2026-07-09 was never confirmed (double opt-in)"
    )
    confirmed = [*filled_in, Consent("email", "news", True, noon - HOUR, confirmed=True)]
    assert isinstance(asked(double, noon, consents=confirmed), Allow)
    assert isinstance(asked(double, noon, consents=[*confirmed, Consent("email", "other", False, noon)]), Allow)
    stopped = [*confirmed, Consent("email", None, False, noon)]
    assert asked(double, noon, consents=stopped) == Skip("consent", "withdrew consent to email on 2026-07-10")
    # Who comes back has to confirm it again.
    assert isinstance(asked(double, noon, consents=[*stopped, Consent("email", "news", True, noon)]), Skip)
    of_something_else = [Consent("sms", None, True, noon, purpose="surveys")]
    assert isinstance(asked(double, noon, "sms", consents=of_something_else), Skip)


def test_a_suppressed_address_is_written_to_by_nobody() -> None:
    noon = at("2026-07-10 12:00")
    bounced = {"email": Suppressed("bounced", noon - DAY)}
    for program in (journey(), journey(purpose="service")):
        assert asked(Policy(), noon, program=program, suppressed=bounced) == Skip(
            "suppression", "the address is suppressed: bounced"
        )


def test_who_says_stop_is_told_once_that_it_is_done() -> None:
    noon, service = at("2026-07-10 12:00"), journey(purpose="service")
    stopped = {"sms": Suppressed("opted_out", noon)}
    stop = Reply(noon, "sms", "stop")
    assert isinstance(asked(Policy(), noon, "sms", service, suppressed=stopped, reply=stop), Allow)
    help_ = Reply(noon + DAY, "sms", "help")
    assert isinstance(asked(Policy(), noon + DAY, "sms", service, suppressed=stopped, reply=help_), Allow)
    for refused in (
        asked(Policy(), noon, "sms", suppressed=stopped, reply=stop),  # marketing
        asked(Policy(), noon + HOUR, "sms", service, suppressed=stopped, reply=stop),  # too late
        asked(Policy(), noon, "sms", suppressed=stopped, reply=Reply(noon, "sms", "help")),  # marketing
        asked(Policy(), noon, "sms", service, suppressed=stopped, reply=Reply(noon, "sms", "Which size?")),
        asked(Policy(), noon, "sms", service, suppressed=stopped),
        asked(Policy(), noon + DAY, "sms", service, suppressed=stopped, reply=Reply(noon + DAY, "sms", "stop")),  # again
        asked(Policy(), noon, "sms", service, suppressed={"sms": Suppressed("invalid number", noon)}, reply=stop),
    ):
        assert isinstance(refused, Skip)


def test_who_was_erased_gets_what_they_order_and_no_marketing_until_they_confirm_it_anew() -> None:
    noon = at("2026-07-10 12:00")
    erased = {"email": Suppressed("erased", noon)}
    assert isinstance(asked(Policy(), noon, program=journey(purpose="service"), suppressed=erased), Allow)
    assert isinstance(asked(Policy(), noon, suppressed=erased), Skip)
    filled_in = Consent("email", None, True, noon + HOUR)
    assert isinstance(asked(Policy(), noon + DAY, suppressed=erased, consents=[filled_in]), Skip)
    assert isinstance(asked(Policy(), noon + DAY, suppressed=erased, consents=[filled_in._replace(confirmed=True)]), Allow)


def test_service_is_held_by_nothing_but_the_end_reach_and_suppression() -> None:
    everything = Policy(
        control_group=99.9,
        quiet_hours=Quiet(hours={"email": (Hours.parse("00:00 to 23:59"),)}),
        caps=(Cap(id="none", at_most=0, per=span(days=1)),),
        minimum_gap=Gap(between=span(days=1)),
    )
    noon = at("2026-07-10 12:00")
    verdict = asked(everything, noon, program=journey(purpose="service"), consents=[], fewer=True, paused_until=noon + DAY)
    assert verdict == Allow(("enrollment open", "reachable", "suppression"))
