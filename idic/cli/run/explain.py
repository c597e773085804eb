"""The work of ``idic explain``: what happened to a customer, what did not and why, and what would help."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import select

from idic.cli.run import explain_remedies
from idic.cli.run.explain_remedies import Remedy
from idic.differentiate.profile import zone_of
from idic.errors import NotFound
from idic.interact.policy.touch_request import Suppressed
from idic.interact.reach import reach
from idic.journey.channels import ADDRESS_ATTRIBUTES, CHANNELS
from idic.journey.engine.protocol import Defer, Skip
from idic.journey.engine.state import Trace
from idic.journey.engine.trace import sentence
from idic.journey.program.program import Program
from idic.journey.program.steps import Send
from idic.problems import did_you_mean, one_of
from idic.router import contact_history
from idic.router.customer_facts import CustomerFacts
from idic.router.runtime import Runtime
from idic.store.customer import consents
from idic.store.customer.customers import CustomerRow
from idic.store.customer.events import read as event_of
from idic.store.database import Store, Tx
from idic.store.enrollment import enrollments
from idic.store.enrollment.enrollments import Enrollment
from idic.store.journey.policies import Policies
from idic.store.journey.programs import published_journeys
from idic.store.reports import console
from idic.store.tables import Row, events
from idic.store.tables import enrollments as enrollments_table

_CLOCK = "%a %d %b %Y %H:%M"
_MOST_TRIPS = 20
_MOST_EVENTS = 200
_LONGEST = timedelta(days=366)
"""How far back earlier messages can affect a message now."""
_WENT = ("sent", "uncertain")
_STAYS_OUT = "stays out: "
_WIDTH = 14


class Line(NamedTuple):
    """One line of the explanation, with its time."""

    at: datetime
    text: str


class Trip(NamedTuple):
    """An enrollment: ``lines`` say what happened, ``now`` where it stands, ``why_not`` by channel why nothing was sent on
    it."""

    id: str
    journey: str
    title: str
    key: str | None
    entered_at: datetime
    lines: tuple[Line, ...]
    now: str
    why_not: Mapping[str, tuple[str, ...]]
    would_help: tuple[Remedy, ...]


class NotEntered(NamedTuple):
    """``times`` refusals in a row for the same reason, the newest ``at``."""

    at: datetime
    journey: str
    event: str
    reason: str
    times: int = 1


class Explained(NamedTuple):
    """A customer's explanation. ``zone`` is the customer's; ``more`` counts older trips that are left out."""

    customer: str
    name: str
    zone: str
    trips: tuple[Trip, ...]
    not_entered: tuple[NotEntered, ...]
    would_help: tuple[Remedy, ...]
    more: int


async def explained(store: Store, who: str, journey: str | None) -> Explained:
    """Explain a customer in all their journeys or in one. Raises ``NotFound``."""
    async with store.reading() as tx:
        row, only = await _found(tx, who.strip().replace("\0", ""))
        if journey is not None:
            await _exists(tx, journey)
        return await _Explaining(tx, row, Runtime()).whole(journey, only)


async def _found(tx: Tx, who: str) -> tuple[CustomerRow, str | None]:
    """Find the customer, and the enrollment if its id was given."""
    row = await console.find_customer(tx, who)
    if row is not None:
        return row, None
    named = await console.get_enrollment(tx, who)
    if named is not None and (row := await console.find_customer(tx, named.customer_id)) is not None:
        return row, named.id
    raise NotFound(f'no customer has "{who}" as email address, user id, phone number or id, and no enrollment has this id')


async def _exists(tx: Tx, journey: str) -> None:
    names = {name for name, _ in await console.journey_titles(tx)}
    if journey not in names:
        rows = await tx.rows(select(enrollments_table.c.id).where(enrollments_table.c.journey == journey).limit(1))
        if not rows:
            hint = did_you_mean(journey, names) or (f"there is {one_of(sorted(names))}" if names else "none is published")
            raise NotFound(f'there is no journey "{journey}"; {hint}')


class _Explaining:
    def __init__(self, tx: Tx, row: CustomerRow, runtime: Runtime) -> None:
        self.tx = tx
        self.row = row
        self.runtime = runtime
        self.customer = CustomerFacts(tx, runtime, row)
        self.now = tx.now()

    async def whole(self, journey: str | None, only: str | None) -> Explained:
        """The whole explanation."""
        self.zone = zone_of(self.row.traits, await console.vocabulary_zone(self.tx) or "UTC")
        self.person = await self._person()
        chosen = select(enrollments_table).where(enrollments_table.c.customer_id == self.row.id)
        if journey is not None:
            chosen = chosen.where(enrollments_table.c.journey == journey)
        if only is not None:
            chosen = chosen.where(enrollments_table.c.id == only)
        rows = await self.tx.rows(chosen.order_by(enrollments_table.c.entered_at.desc(), enrollments_table.c.id))
        trips = [await self._trip(enrollments.read(row)) for row in reversed(rows[:_MOST_TRIPS])]
        refused, would_help = ((), ()) if only is not None else await self._not_entered(journey)
        return Explained(
            self.row.id,
            _name(self.row.traits, self.row.id),
            self.zone,
            tuple(trips),
            refused,
            would_help,
            max(0, len(rows) - _MOST_TRIPS),
        )

    async def _person(self) -> explain_remedies.Person:
        said = await consents.consents_of(self.tx, self.row.id)
        suppressed: dict[str, Suppressed] = {}
        for channel in CHANNELS:
            address = reach(channel, self.row.id, self.row.traits, None, self.now, None).address
            if address is not None:
                found = await consents.suppression_of(self.tx, channel, address)
                if found is not None:
                    suppressed[channel] = found
        policy = await Policies().current(self.tx)
        return explain_remedies.Person(
            self.row.id,
            self.row.traits,
            self.row.web_seen_at,
            said,
            suppressed,
            self.now,
            policy,
            contacts=await contact_history.made(self.tx, self.row.id, self.now - _LONGEST, None),
            fewer=self.row.fewer,
            paused_until=self.row.paused_until,
        )

    # What happened.

    async def _trip(self, enrollment: Enrollment) -> Trip:
        program = await self.runtime.programs.get(self.tx, enrollment.program_id)
        traced = await enrollments.traced(self.tx, enrollment.id)
        zone = ZoneInfo(self.zone)
        paused = next((one.paused_at for one in await published_journeys(self.tx, [enrollment.journey])), None)
        lines = [Line(e.at, sentence(e.kind, e.step, e.why, clock=_CLOCK, zone=zone)) for e in traced]
        facts = await self.customer.facts(program)
        coming = await contact_history.coming(self.tx, self.runtime.programs, self.row.id, enrollment.id, self.now)
        person = self.person._replace(coming=coming)
        why_not = self._why_not(person, program, enrollment, traced)
        helps: list[Remedy] = []
        now = self._standing(enrollment, program)
        if paused is not None and enrollment.open:
            now += f" · {enrollment.journey} has been paused since {self._at(paused)} and sends nothing"
            helps.append(Remedy(enrollment.journey, f"idic resume {enrollment.journey}"))
        over = enrollment.state.ended is not None and enrollment.state.ended.kind != "exit"
        helps += [h for channel in why_not if (h := explain_remedies.of_channel(person, program, channel)) is not None]
        helps += explain_remedies.of_steps(person, program, enrollment.state, traced)
        helps += explain_remedies.of_facts(program, facts, self.now, enrollment.state)
        if over:
            helps = []  # they reached the goal or left: nothing was missing
        return Trip(
            enrollment.id,
            enrollment.journey,
            program.title,
            enrollment.key,
            enrollment.state.entered_at,
            tuple(lines),
            now,
            why_not,
            tuple(dict.fromkeys(helps)),
        )

    def _standing(self, enrollment: Enrollment, program: Program) -> str:
        state = enrollment.state
        if state.ended is not None:
            kind = "" if state.ended.kind == "exit" else f"{state.ended.kind}, "
            return f"ended on {self._at(state.ended.at)}: {kind}{state.ended.reason}"
        step = program.steps.get(state.step or "")
        under_way = [c for c, t in state.touches.get(state.step or "", {}).items() if t.status in ("claimed", "attempting")]
        if isinstance(step, Send) and under_way:
            return f"sending {step.message} by {one_of(under_way, 'and')} in {step.id}"
        until = state.ends or state.deadline
        return f"waiting in {state.step}" + (f" until {self._at(until)}" if until else "")

    # What did not happen, and why.

    def _why_not(
        self, person: explain_remedies.Person, program: Program, enrollment: Enrollment, traced: Sequence[Trace]
    ) -> dict[str, tuple[str, ...]]:
        sends = [step for step in program.steps.values() if isinstance(step, Send)]
        touches = enrollment.state.touches
        found: dict[str, tuple[str, ...]] = {}
        if enrollment.state.ended is not None and enrollment.state.ended.kind == "closed":
            return found  # another enrollment took its place
        for channel in CHANNELS:
            by = [step for step in sends if channel in step.channels]
            went = [t for entry in traced if entry.kind in _WENT and (t := entry.why.get("channel")) == channel]
            if not by or went:
                continue
            reasons = list(self._recorded(channel, traced))
            now = person.verdict(program, channel)
            if isinstance(now, Defer):
                reasons = [r for r in reasons if now.reason not in r] + [f"now: {now.reason}, until {self._at(now.until)}"]
            if isinstance(now, Skip):
                since = self._since(channel, now)
                reasons = [r for r in reasons if now.reason not in r] + [f"now: {now.reason}{since}"]
            unseen: list[str] = []
            for step in by:
                others = [c for c, t in touches.get(step.id, {}).items() if t.status in _WENT and c != channel]
                if others and step.mode != "each":
                    reasons.append(f"{step.id} was sent by {one_of(others, 'and')}")
                elif step.id not in enrollment.state.began and not isinstance(now, Skip):
                    unseen.append(step.id)
            if unseen:
                where = self._standing(enrollment, program)
                reasons.append(f"they did not reach {one_of(unseen)}, which would send by {channel}: {where}")
            found[channel] = tuple(reasons) or ("nothing blocks it now",)
        return found

    def _recorded(self, channel: str, traced: Sequence[Trace]) -> Iterable[str]:
        for entry in traced:
            why = entry.why
            if why.get("channel") != channel:
                continue
            because = f": {why['because']}" if why.get("because") else ""
            if entry.kind == "not sent":
                yield f"{entry.step} on {self._at(entry.at)}: {why.get('rule')}{because}"
            elif entry.kind == "deferred":
                yield f"{entry.step} deferred on {self._at(entry.at)}: {why.get('rule')}{because}"
            elif entry.kind == "failed":
                yield f"{entry.step} on {self._at(entry.at)}: failed, {why.get('reason')}"

    def _since(self, channel: str, objection: Skip) -> str:
        match objection.rule:
            case "suppression":
                return f", since {self._at(self.person.suppressed[channel].at)}"
            case "consent":
                withdrawn = [c.at for c in self.person.consents if c.channel == channel and not c.given]
                return f", since {self._at(withdrawn[-1])}" if withdrawn else ""
            case _:
                return ""

    async def _not_entered(self, journey: str | None) -> tuple[tuple[NotEntered, ...], tuple[Remedy, ...]]:
        rows = await self.tx.rows(
            select(events)
            .where(events.c.customer_id == self.row.id, events.c.outcome.is_not(None))
            .order_by(events.c.id.desc())
            .limit(_MOST_EVENTS)
        )
        found: dict[tuple[str, str], NotEntered] = {}
        newest: dict[str, Row] = {}
        for row in rows:
            for name, said in (row["outcome"] or {}).items():
                if journey not in (None, name) or not isinstance(said, str) or not said.startswith(_STAYS_OUT):
                    continue
                newest.setdefault(name, row)
                reason = said.removeprefix(_STAYS_OUT)
                before = found.get((name, reason))
                if before is None:
                    found[name, reason] = NotEntered(row["accepted_at"], name, row["name"], reason)
                else:
                    found[name, reason] = before._replace(times=before.times + 1)
        helps: list[Remedy] = []
        for published in await self.runtime.programs.published(self.tx):
            program = published.program
            if program.journey in newest:
                facts = await self.customer.facts(program)
                helps += explain_remedies.of_facts(program, facts, self.now, None, event_of(newest[program.journey]))
        refusals = list(found.values())
        refusals.reverse()
        refusals.sort(key=lambda one: (one.at, one.journey))
        return tuple(refusals), tuple(helps)

    def _at(self, instant: datetime) -> str:
        return _said(instant, self.zone)


def show(found: Explained) -> None:
    """Print the result for people."""
    typer.secho(f"{found.name} · lives in {found.zone}", bold=True)
    if found.more:
        typer.echo(f"{found.more} older enrollments are not shown")
    for trip in found.trips:
        key = f" · {trip.key}" if trip.key else ""
        typer.echo()
        typer.secho(f"{trip.journey}{key} · {trip.title}", bold=True)
        for line in trip.lines:
            typer.echo(f"{_said(line.at, found.zone)}  {line.text}")
        _entry("NOW", [trip.now])
        for channel, reasons in trip.why_not.items():
            _entry(f"WHY NO {CHANNELS[channel].label.upper()}", reasons)
        _entry("WOULD HELP", [_remedy(one) for one in trip.would_help])
    if found.not_entered or found.would_help:
        typer.echo()
    _entry("NOT ENTERED", [_refusal(one, found.zone) for one in found.not_entered])
    _entry("WOULD HELP", [f"{one.journey}: {one.text}" for one in found.would_help])
    if not found.trips and not found.not_entered:
        typer.echo("none of their events could enter a journey")


def _entry(label: str, texts: Sequence[str]) -> None:
    for number, text in enumerate(texts):
        typer.secho(f"{'' if number else label:<{_WIDTH}}", bold=True, nl=False)
        typer.echo(text)


def _remedy(one: Remedy) -> str:
    return f'{one.text} (on step "{one.step}")' if one.step else one.text


def _refusal(one: NotEntered, zone: str) -> str:
    often = f" ({one.times} times; the last one)" if one.times > 1 else ""
    return f"{one.journey} on {_said(one.at, zone)}, {one.event}: {one.reason}{often}"


def _said(instant: datetime, zone: str) -> str:
    return f"{instant.astimezone(ZoneInfo(zone)):{_CLOCK}}"


def _name(traits: Mapping[str, Any], id_: str) -> str:
    known = [str(traits[name]).strip() for name in ("first_name", "last_name") if traits.get(name)]
    address = str(next((traits[name] for name in ADDRESS_ATTRIBUTES if traits.get(name)), id_))
    return f"{' '.join(known)} ({address})" if known else address


def as_json(found: Explained) -> str:
    """The result as JSON; instants are in UTC."""
    return json.dumps(_plain(found), indent=2, ensure_ascii=False)


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case tuple() if hasattr(value, "_asdict"):
            return {name: _plain(one) for name, one in value._asdict().items()}
        case tuple() | list():
            return [_plain(one) for one in value]
        case Mapping():
            return {name: _plain(one) for name, one in value.items()}
        case _:
            return value
