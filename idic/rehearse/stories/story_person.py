"""Play one person of a story: a customer of the simulator, with the real contact policy and the real composing.

What idic would learn, draw or ask elsewhere is never made up. Where the story does not fix it, playing stops with
``StoryTrouble``, whose text says which line to write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple

from idic.differentiate.profile import language_of, zone_of
from idic.errors import CannotCompose, IdicError
from idic.interact.channels.channel_edge import MessageLinks
from idic.interact.channels.edges import EDGES
from idic.interact.policy.decide import ask as ask_policy
from idic.interact.policy.touch_request import Consent, PolicyFacts, Suppressed
from idic.journey.contact_policy.contact_policy import Policy
from idic.journey.engine.admission import DUE, StayOut, due_event, next_due, scheduled
from idic.journey.engine.protocol import Best, BestTime, MayWe, Ranked, Timed, Verdict
from idic.journey.engine.scope import Scope
from idic.journey.engine.state import Touched
from idic.journey.program.entry import Entry as Entrance
from idic.journey.program.program import Program
from idic.journey.program.shares import draw_share
from idic.journey.program.steps import Call, Split
from idic.journey.program.values import DONE, Attribute
from idic.journey.vocabulary.built_in import OWN_LINKS
from idic.problems import did_you_mean, one_of
from idic.rehearse.contact_history import ContactHistory, consent_by, consent_of, preferences_of
from idic.rehearse.simulator import SentMessage, SimulatedEnrollment, Simulator, message_properties
from idic.rehearse.stories.storybook import Pins, StoryPerson
from idic.rehearse.stories.timeline import Timeline, describe_event, describe_values
from idic.times import Duration, TimeOfDay

_MOST_DRAWS = 200_000
_NOWHERE = "https://unsubscribe.example/"
_PAGES = {name: f"https://{name.replace('_', '-')}.example/" for name in OWN_LINKS}
_UNCERTAIN = "uncertain"


class StoryTrouble(IdicError):
    """The story cannot go on as it is written; the text says what to write."""

    code = "story_trouble"


class ReceivedMessage(NamedTuple):
    """A message as the person got it. ``answers`` are the values of its answer links, ``links`` the URLs of its others."""

    sent: SentMessage
    subject: str | None
    text: str
    answers: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


class StoryCall(NamedTuple):
    """A call of an endpoint, by the id of its step."""

    at: datetime
    step: str
    endpoint: str
    given: Mapping[str, Any]


class EntryRefused(NamedTuple):
    """A journey did not let the person in."""

    at: datetime
    journey: str
    why: StayOut


class PlayedPerson:
    """A person while their story is played. ``mails`` are the messages they got, ``calls`` the endpoint calls made for them,
    ``refused`` the entries refused to them."""

    def __init__(
        self,
        person: StoryPerson,
        programs: tuple[Program, ...],
        start: datetime,
        pins: Pins,
        counted: Mapping[str, Attribute] | None = None,
        policy: Policy | None = None,
    ) -> None:
        self.person = person
        # The story decides who is in the control group, not chance.
        self.policy = (policy or Policy()).changed(control_group=100 if person.control else 0)
        self.fewer = person.fewer
        self.paused_until = (
            person.paused_until.instant(zone_of(person.traits, programs[0].zone)) if person.paused_until else None
        )
        self._contact_history = ContactHistory(programs, self.policy)
        self.programs = programs
        self.pins = pins
        self.mails: list[ReceivedMessage] = []
        self.calls: list[StoryCall] = []
        self.refused: list[EntryRefused] = []
        self.timeline = Timeline(person.name)
        # A program that reads every attribute, for ``known``.
        self._everything = Program(
            journey="",
            title="",
            entry=Entrance(),
            first=DONE,
            steps={},
            customer=dict(counted or {}),
            currency=programs[0].currency,
        )
        self._began = start
        self._due_asked_on: dict[str, datetime] = {}
        self._consents = [Consent(channel, topic, True, start, confirmed=True) for channel, topic in person.consents]
        seen = person.seen_on_web
        self._seen_at = seen.before(start, zone_of(person.traits, programs[0].zone)) if seen is not None else None
        self.simulator = Simulator(
            programs,
            start,
            traits=person.traits,
            zone=zone_of(person.traits, programs[0].zone),
            customer=_drawing(programs, person.name, pins.splits),
            policy=self._may_we,
            best=self._best,
            best_time=self._best_time,
            call=self._call,
            deliver=self._deliver,
        )

    @property
    def zone(self) -> str:
        """The zone (IANA) where the person lives now."""
        return self.simulator.zone

    @property
    def now(self) -> datetime:
        """The instant on the virtual clock."""
        return self.simulator.now

    def until(self, instant: datetime) -> None:
        """Let time pass; journeys with a schedule are entered at their instants."""
        while (entry := self._next_due(instant)) is not None:
            at, program = entry
            self._moves(lambda at=at: self.simulator.until(at))  # type: ignore[misc]
            due_properties = due_event(program, self.simulator.facts(program), at)
            self._moves(lambda program=program, due=due_properties: self.simulator.asks(program, DUE, due))  # type: ignore[misc]
            self._due_asked_on[program.journey] = at
        self._moves(lambda: self.simulator.until(instant))

    def _next_due(self, until: datetime) -> tuple[datetime, Program] | None:
        """The next scheduled entry up to ``until``, with its program."""
        entries: list[tuple[datetime, Program]] = []
        for program in self.programs:
            if scheduled(program.entry):
                after = self._due_asked_on.get(program.journey, self._began)
                due = next_due(program.entry, program, self.simulator.facts(program), after)
                if due is not None and due <= until:
                    entries.append((max(due, self.now), program))
        return min(entries, key=lambda one: one[0], default=None)

    def after(self, span: Duration) -> datetime:
        """The instant ``span`` from now, where the person lives."""
        return span.after(self.now, self.zone)

    def next(self, clock: TimeOfDay) -> datetime:
        """The next instant with this time of day, later than now."""
        instant = clock.next(self.now, self.zone)
        return instant if instant > self.now else clock.next(Duration(seconds=1).after(instant, self.zone), self.zone)

    def happens(
        self, name: str, properties: Mapping[str, Any], about: str | None = None, enrollment: str | None = None
    ) -> None:
        """Let an event happen now. One that is ``about`` a step is about its newest message."""
        self.timeline.add(describe_event(name, properties), self.now)
        if about is not None and (mail := self._newest(about)) is not None:
            properties = {**message_properties(mail.sent), **properties}
        match name:
            case "Consent Given" | "Consent Withdrawn":
                consent = consent_of(name, properties, self.now)
                self._consents += [consent] if consent is not None else []
            case "Preferences Changed":
                self.fewer, self.paused_until = preferences_of(properties)
            case "Replied":
                answered = self._newest(about) if about is not None else None
                self._contact_history.replied(self.now, answered.sent.enrollment if answered else enrollment, properties)
                consent = consent_by(properties, self.now)
                self._consents += [consent] if consent is not None else []
        self._moves(lambda: self.simulator.happens(name, properties, about=about, enrollment=enrollment))

    def presses(self, step: str, url: str | None, value: str | None) -> None:
        """Click a link in the newest message of a step. Raises ``StoryTrouble`` where there is no such link."""
        mail = self._newest(step)
        if mail is None:
            raise StoryTrouble(f"{step} has sent nothing to {self.person.name} yet, so nothing in it can be clicked")
        if value is not None and value not in mail.answers:
            hint = did_you_mean(value, mail.answers) or f"it offers {one_of(mail.answers, 'and') or 'none'}"
            raise StoryTrouble(f'no link in {mail.sent.message} answers "{value}"; {hint}')
        properties = message_properties(mail.sent)
        if value is not None:
            properties["value"] = value
        if url is not None:
            properties["url"] = url
        self.happens("Link Clicked", properties, step, mail.sent.enrollment)

    def _newest(self, step: str) -> ReceivedMessage | None:
        return next((mail for mail in reversed(self.mails) if mail.sent.step == step), None)

    def learns(self, traits: Mapping[str, Any], *, visits: bool) -> None:
        """Let attributes become known now; with ``visits`` the person is on the website."""
        if visits:
            self._seen_at = self.now
        learned = describe_values(traits) + (", seen on the web" if visits else "")
        self.timeline.add(f"known now: {learned.removeprefix(', ')}", self.now)
        self.simulator.zone = zone_of({**self.simulator.traits, **traits}, self.programs[0].zone)
        self._moves(lambda: self.simulator.becomes_known(**traits))

    def enrolled(self, journey: str | None = None, key: str | None = None) -> SimulatedEnrollment | None:
        """The newest enrollment, by default in the story's own journey."""
        name = journey or self.programs[0].journey
        enrollments = [one for one in self.simulator.enrollments if one.program.journey == name]
        return next((one for one in reversed(enrollments) if key is None or one.state.key == key), None)

    # Answers to the simulator.

    def _may_we(self, ask: MayWe, now: datetime) -> Verdict:
        simulator = self.simulator
        suppressed = dict.fromkeys(self.person.suppressed, Suppressed("so the story says", now))
        known = PolicyFacts(
            simulator.customer,
            simulator.traits,
            self.zone,
            self._consents,
            self._seen_at,
            suppressed,
            fewer=self.fewer,
            paused_until=self.paused_until,
        )
        known = self._contact_history.known(known, simulator.asking, ask, now, simulator.enrollments)
        verdict = ask_policy(known, simulator.asking, ask.channel, now, policy=self.policy, deliver_by=ask.deliver_by)
        self._contact_history.decided(simulator.asking, ask, now, verdict)
        return verdict

    def _best(self, ask: Best, now: datetime) -> Ranked:
        pinned = [channel for channel in self.pins.channels if channel in ask.channels]
        if not self.pins.channels:
            raise StoryTrouble(
                f"{ask.step} sends on the best channel for {self.person.name}, which idic learns; fix it: "
                f"with: {{best: {{channel: {ask.channels[0]}}}}}"
            )
        return Ranked((*pinned, *(channel for channel in ask.channels if channel not in pinned)), "so the story says")

    def _best_time(self, ask: BestTime, now: datetime) -> Timed:
        match self.pins.time:
            case TimeOfDay() as clock:
                at = clock.next(ask.earliest, self.zone)
                return Timed(min(at, ask.latest), "so the story says")
            case "now":
                return Timed(ask.earliest, "so the story says")
            case _:
                raise StoryTrouble(
                    f"{ask.step} sends at the best time for {self.person.name}, which idic learns; "
                    "fix it: with: {best: {time: now}}"
                )

    def _call(self, step: str, given: Mapping[str, Any]) -> Mapping[str, Any] | None:
        asked = self.simulator.asking.steps[step]
        assert isinstance(asked, Call)
        name = asked.endpoint.name
        self.calls.append(StoryCall(self.now, step, name, given))
        if name not in self.pins.calls:
            raise StoryTrouble(
                f"{step} calls {name}, and the story does not say what it answers; "
                f"fix it: with: {{call: {{{name}: {{…}}}}}}, or call: {{{name}: fails}}"
            )
        return self.pins.calls[name]

    def _deliver(self, sent: SentMessage) -> Touched:
        touched = self._delivered(sent)
        self._contact_history.settled(sent, touched.status)
        return touched

    def _delivered(self, sent: SentMessage) -> Touched:
        why = self.pins.fails.get((sent.step, sent.channel)) or self.pins.fails.get((sent.step, ""))
        if why is not None and why != _UNCERTAIN:
            return Touched(status="failed", at=sent.at, reason=why)
        try:
            self.mails.append(self._composed(sent))
        except CannotCompose as problem:
            return Touched(status="failed", at=sent.at, reason=problem.code)
        return Touched(status="uncertain" if why else "sent", at=sent.at, reason=why)

    def _composed(self, sent: SentMessage) -> ReceivedMessage:
        """Compose the message as of the instant it is sent."""
        enrollment = next(
            enrollment for enrollment in self.simulator.enrollments if enrollment.state.enrollment == sent.enrollment
        )
        scope = Scope(enrollment.program, self.simulator.facts(enrollment.program), sent.at, enrollment.state)
        language = language_of(self.simulator.traits, enrollment.program.languages)
        answers: list[str] = []
        links: list[str] = []

        def answer(value: str, url: str | None) -> str:
            answers.append(value)
            return url or "https://answer.example/"

        def track(url: str) -> str:
            links.append(url)
            return url

        addresses = MessageLinks(track=track, answer=answer, unsubscribe_url=_NOWHERE, pages=_PAGES)
        composed = EDGES[sent.channel].compose(enrollment.program, sent.message, scope, addresses, language)
        links += composed.links
        answered, linked = tuple(dict.fromkeys(answers)), tuple(dict.fromkeys(links))
        return ReceivedMessage(sent, composed.subject, composed.as_text(), answered, linked)

    def known(self) -> Mapping[str, Any]:
        """All attributes of the person now, with those that idic counts and sums."""
        return self.simulator.facts(self._everything).customer

    def _moves(self, move: Callable[[], object]) -> None:
        """Run ``move``, which moves the simulator, and add what happened to the timeline."""
        before = len(self.simulator.refused)
        try:
            move()
        finally:
            self.timeline.add_traces(self.simulator.enrollments, self.zone)
            for journey, why in self.simulator.refused[before:]:
                self.refused.append(EntryRefused(self.now, journey, why))
                self.timeline.add(f"not let into {journey}: {why.reason}", self.now, idic=True)
        self._check_draws()

    def _check_draws(self) -> None:
        for one in self.simulator.enrollments:
            for step in one.state.splits:
                if step not in self.pins.splits:
                    shares = one.program.steps[step]
                    share = shares.shares[0].name if isinstance(shares, Split) else "…"
                    raise StoryTrouble(
                        f"the split {step} is decided by chance; fix the share of {self.person.name}: "
                        f"with: {{split: {{{step}: {share}}}}}"
                    )


def _drawing(programs: tuple[Program, ...], name: str, wanted: Mapping[str, str]) -> str:
    """A customer id that falls into these shares, since the id decides the share of every split."""
    splits = [
        (program, step, wanted[step.id])
        for program in programs
        for step in program.steps.values()
        if isinstance(step, Split) and step.id in wanted
    ]
    for number in count():
        id_ = name if number == 0 else f"{name}-{number}"
        if all(draw_share(step, id_, program.journey).name == share for program, step, share in splits):
            return id_
        if number > _MOST_DRAWS:
            raise StoryTrouble(f"nobody falls into {one_of((share for _, _, share in splits), 'and')} at once")
    raise AssertionError("numbers do not end")
