"""Holding a customer: the one place where enrollments are moved.

Whoever moves anything of a customer's takes a ``Hold`` first, and taking one routes whatever of this customer's has been
accepted and not yet seen. So nothing is ever decided — no deadline, no claim, no delivery — while an accepted event that
bears on it lies unread; and it does not matter which process gets there first.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar, assert_never

import structlog
from sqlalchemy import ScalarSelect
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from idic.errors import IdicError
from idic.identify.names import attribute_name
from idic.interact import consent, preferences
from idic.interact.reach import reach
from idic.journey.channels import is_placed
from idic.journey.engine import interpreter, match_event, move, protocol
from idic.journey.engine.admission import DUE, REQUESTED, Admitted, Applies, StayOut, admit, applies, day_of, full
from idic.journey.engine.match_event import Ends, Late, ReachesGoal, Wakes
from idic.journey.engine.protocol import Effect, Enroll, Learn, Outcome
from idic.journey.engine.state import Ending, Event, Place, State, Touched, Trace
from idic.journey.program.program import Program
from idic.journey.program.steps import Call
from idic.router.customer_facts import Known
from idic.router.instruction import Instruction
from idic.router.next_instruction import instruct
from idic.router.runtime import Runtime
from idic.router.schedule import days_merged, days_moved
from idic.store import temporal_outbox
from idic.store.customer import consents, customers, events, phone_numbers
from idic.store.customer.ingest import REQUEST, Observation, observe, request
from idic.store.database import Store, Tx, sqlstate
from idic.store.enrollment import endpoint_calls, enrollments, touches, web_placements
from idic.store.enrollment.endpoint_calls import EndpointCall
from idic.store.enrollment.enrollments import Enrollment
from idic.store.enrollment.touches import Touch
from idic.store.journey import daily_counts
from idic.store.journey.programs import vocabulary
from idic.store.tables import Row

log = structlog.get_logger()

_MOMENT = timedelta(microseconds=1)
"""The shortest time between two instants."""

T = TypeVar("T")


async def holding(
    store: Store, runtime: Runtime, purpose: str, customer_id: str | ScalarSelect[str], work: Callable[[Hold], Awaitable[T]]
) -> T:
    """Run ``work`` on a customer who is held and whose events are all routed, in one transaction. Who it is may be a
    question, as ``customers.lock`` takes it.

    An event that cannot be routed must not stop those behind it: the transaction is run again without it, and the event
    is set aside with what went wrong. Raises ``NotFound``, ``StoreUnavailable``.
    """
    poison: dict[int, str] = {}
    together: set[str] = set()

    async def once(tx: Tx) -> T:
        if together:
            await customers.lock_together(tx, together)
        hold = Hold(tx, runtime, await customers.lock(tx, customer_id), poison, frozenset(together))
        await hold.catch_up()
        return await work(hold)

    while True:
        try:
            return await store.move(purpose, once)
        except _NeedsTogether as need:
            together |= need.ids  # and whom an event before this one needed: all are routed in this one transaction
        except _Poison as bad:
            log.error("event set aside", event_id=bad.event_id, error=bad.error)
            poison[bad.event_id] = bad.error


_OF_THE_DATA = {"22", "23", "54"}
"""PostgreSQL's error classes of data that cannot be stored: wrong, against a constraint, too large."""


class SetAside(Exception):
    """Routing this customer's events takes another transaction than the one under way."""


class _NeedsTogether(SetAside):
    """Two customers must be locked in the order of their ids, and one of them is held already: start over with both."""

    def __init__(self, *ids: str) -> None:
        self.ids = frozenset(ids)


class _Poison(SetAside):
    def __init__(self, event_id: int, error: str) -> None:
        self.event_id, self.error = event_id, error


class Hold(Known):
    """A customer who is held: what becomes of their events, and every move of their enrollments."""

    def __init__(
        self,
        tx: Tx,
        runtime: Runtime,
        row: Row,
        poison: Mapping[int, str] | None = None,
        together: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(tx, runtime, row)
        self._poison = poison or {}
        self._together = together
        self._newest: dict[str, Enrollment] = {}

    # Routing.

    async def catch_up(self) -> None:
        """Route every event of this customer that has been accepted, in the order of acceptance."""
        while unrouted := await events.unrouted(self.tx, self.id):
            for row in unrouted:
                await self._route_or_set_aside(row)
                if row["merges"]:
                    break  # there may be more now, and among them earlier ones

    async def _route_or_set_aside(self, row: Row) -> None:
        if row["id"] in self._poison:
            outcome = {"problem": self._poison[row["id"]]}
            await self._said_all_the_same(row)
        else:
            try:
                outcome = await self._route(row)
            except SQLAlchemyError as error:
                if sqlstate(error)[:2] in _OF_THE_DATA or isinstance(error, (DataError, IntegrityError)):
                    raise _Poison(row["id"], type(error).__name__) from error
                raise
            except (SetAside, IdicError, OSError):
                raise
            except Exception as error:
                # A bug of ours in the face of strange data. Its text may hold the data: keep the kind only.
                raise _Poison(row["id"], type(error).__name__) from error
        await events.mark_routed(self.tx, row["id"], self.now, outcome)

    async def _said_all_the_same(self, row: Row) -> None:
        """A no holds, whatever else came of telling journeys of it."""
        if row["name"] not in consent.EVENTS:
            return
        try:
            async with self.tx.connection.begin_nested():
                await self._consent(events.read(row))
        except (DataError, IntegrityError) as error:
            log.error("consent not recorded", event_id=row["id"], error=type(error).__name__)
        except (SQLAlchemyError, SetAside, IdicError, OSError):
            raise
        except Exception as error:
            log.error("consent not recorded", event_id=row["id"], error=type(error).__name__)

    async def _route(self, row: Row) -> dict[str, Any]:
        if row["merges"]:
            await self._absorb(row["merges"], events.read(row).place)
        event = events.read(row)
        if row["kind"] == "identify":
            await self._identified(event)
            return {}
        if row["kind"] == REQUEST:
            return await self._requested(event)
        outcome: dict[str, Any] = {}
        if event.name in consent.EVENTS and (problem := await self._consent(event)):
            outcome["problem"] = problem
        if row["kind"] == "own" and event.name == preferences.CHANGED:
            preferred = preferences.read(event.properties)._asdict()
            await customers.set_preferences(self.tx, self.id, preferred, self.now)
            self.row = {**self.row, **preferred}
        to_wake = []
        if row["kind"] == "own" and event.name in touches.EVIDENCE:
            to_wake += await self._became(event)
        self._routing = event
        for enrollment in await enrollments.concerned(self.tx, self.id, event.accepted_at):
            if await self._meet(enrollment, event):
                to_wake.append(enrollment.id)
        self._routing = None
        await temporal_outbox.put(self.tx, "wake", to_wake)
        for published in await self.runtime.programs.published(self.tx):
            if any(pattern.on == event.name for pattern in published.program.entry.on):
                outcome[published.program.journey] = (await self.enter(*published[:2], event, stopped=published.stopped)).text
        return outcome

    async def _requested(self, event: Event) -> dict[str, Any]:
        """Let the customer into the one journey that is asked for, if it is published and takes them."""
        journey, given = event.properties["journey"], event.properties["given"]
        if event.name == DUE and await events.entered_for(self.tx, self.id, event):
            return {str(journey): "stays out: has entered for this time already"}
        for published in await self.runtime.programs.published(self.tx):
            if published.program.journey == journey:
                entry = event.model_copy(update={"properties": given})
                return {journey: (await self.enter(*published[:2], entry, stopped=published.stopped)).text}
        return {str(journey): "stays out: the journey is not published"}

    async def _identified(self, event: Event) -> None:
        told = {attribute_name(name): value for name, value in event.properties.items()}
        await self._becomes_known(told, event.accepted_at)

    async def _becomes_known(self, told: Mapping[str, Any], at: datetime, *, by: str | None = None) -> None:
        """Something is learnt of the customer at this instant (``by`` an enrollment that moves on by itself): who waits for it
        goes on, after what was due before on what was known before."""
        found = await enrollments.concerned(self.tx, self.id, at)
        before = [self._now(one) for one in found if one.id != by]
        on_time = [await self._up_to(one, at) for one in before]
        await self._learn(told, at)
        after = await self._changed(on_time, told.keys(), at)
        moved = [new.id for old, new in zip(before, after, strict=True) if new.seq > old.seq]
        await temporal_outbox.put(self.tx, "wake", moved)

    def _now(self, enrollment: Enrollment) -> Enrollment:
        """As it stands since this hold last moved it, which may be after it was read: what one does can move another."""
        newest = self._newest.get(enrollment.id, enrollment)
        return newest if newest.seq > enrollment.seq else enrollment

    async def _learn(self, told: Mapping[str, Any], at: datetime) -> None:
        before, kept = self.traits, {**self.traits, **told}
        self.traits = {name: value for name, value in kept.items() if value is not None}
        await customers.set_traits(self.tx, self.id, self.traits, self.now)
        if any(before.get(name) != self.traits.get(name) for name in phone_numbers.NUMBER_ATTRIBUTES):
            await phone_numbers.note_number(self.tx, self.id, self.traits, self.now)
        await days_moved(self.tx, self.runtime.programs, self.id, before, self.traits, at)

    async def _up_to(self, enrollment: Enrollment, at: datetime) -> Enrollment:
        """Do what was due before ``at``."""
        enrollment = self._now(enrollment)
        if enrollment.open and enrollment.state.deadline and enrollment.state.deadline < at:
            return await self.advance(enrollment, at - _MOMENT)
        return enrollment

    async def _changed(self, those: Sequence[Enrollment], names: Collection[str], at: datetime) -> list[Enrollment]:
        """Let those whose step watches one of these attributes go on. Returns all of them as they stand now."""
        after = []
        for one in those:
            enrollment = self._now(one)
            program = await self.runtime.programs.get(self.tx, enrollment.program_id)
            if match_event.watches(program, enrollment.state) & set(names):
                await self.advance(enrollment, at)
            after.append(enrollment)
        return [self._now(one) for one in after]

    async def _consent(self, event: Event) -> str | None:
        """Add to the ledger what was said; returns what is wrong with it, where it cannot be recorded."""
        try:
            said = consent.read(event.name, event.properties)
        except ValueError as problem:
            return str(problem)
        at = consent.since(said, event.accepted_at, event.occurred_at)
        await consents.record(self.tx, self.id, said, at=at, event_id=event.number)
        self._consents = None
        if said.given and said.confirmed:
            # Who owns the address changed their mind.
            country = (await vocabulary(self.tx) or {}).get("country")
            address = reach(said.channel, self.id, self.traits, None, self.now, country).address
            if address is not None:
                await consents.lift(self.tx, said.channel, address, consents.WISHES, before=at)
        if is_placed(said.channel) and not said.given:
            await self._withdraw(said.topic, event.accepted_at)
        return None

    async def _withdraw(self, topic: str | None, at: datetime) -> None:
        """Take off the web what is shown without the consent that it needs."""
        for shown in await web_placements.live(self.tx, [self.id], at):
            enrollment = await enrollments.get(self.tx, shown.enrollment_id)
            program = await self.runtime.programs.get(self.tx, enrollment.program_id)
            if program.purpose == "marketing" and topic in (None, program.topic):
                await web_placements.end(self.tx, enrollment.id, "withdrawn", at)

    async def _became(self, event: Event) -> list[str]:
        """Note at its touch what became of a message. Any of this is the evidence that it did leave, if that was not
        certain, or not known here yet. Returns the enrollments that this moved."""
        channel = event.properties.get("channel", events.DEFAULT_CHANNEL)
        if event.enrollment is None or event.step is None or not isinstance(channel, str):
            return []
        round_ = event.properties.get("round", 1)
        if not isinstance(round_, int | float):
            return []
        touch = await touches.find(self.tx, touches.touch_id(event.enrollment, event.step, int(round_), channel))
        if touch is None:
            return []
        enrollment = await enrollments.get(self.tx, event.enrollment)
        if event.name in touches.BECAME:
            if not await touches.became(self.tx, touch, event.name, event.accepted_at):
                return []
            why = {"channel": channel, "reason": event.properties.get("reason"), "because": event.properties.get("value")}
            kind = touches.BECAME[event.name].removesuffix("_at")
            await enrollments.note(self.tx, enrollment.id, [Trace(event.accepted_at, kind, event.step, why)])
        if event.name == "Link Clicked" and is_placed(channel):
            await web_placements.end_clicked(self.tx, touch.id, event.accepted_at)
        if event.name == "Replied" or not touches.may_have_left(touch):
            return []  # an answer is put down to the newest message, and may be to one before it
        if touch.status in ("deferred", "failed"):
            await self.take_again(await self.runtime.programs.get(self.tx, enrollment.program_id), touch)
        await touches.mark(self.tx, touch.id, status="sent", reason=None, settled_at=event.accepted_at)
        touched = Touched(status="sent", at=event.accepted_at)
        sent = Trace(event.accepted_at, "sent", event.step, {"channel": channel, "because": event.name})
        moved = await self.settle(enrollment, touch, touched, sent, event.accepted_at)
        return [enrollment.id] if moved.seq > enrollment.seq else []

    async def _absorb(self, anonymous: str, at: Place) -> None:
        """Take in the customer who turned out to be this one, with everything that is theirs, as of the place ``at``."""
        if anonymous == self.id:
            return
        if not {anonymous, self.id} <= self._together:
            raise _NeedsTogether(anonymous, self.id)
        absorbed = await customers.lock(self.tx, anonymous)
        if absorbed["erased_at"] is not None:
            return  # forgotten in between: there is nothing to take in, and nobody to be found again
        if absorbed["id"] == self.id or await customers.has_identity(self.tx, absorbed["id"], ["user_id"]):
            return  # merged already, or somebody in their own right by now
        theirs_first = Hold(self.tx, self.runtime, absorbed, self._poison, self._together)
        for row in await events.unrouted(self.tx, absorbed["id"]):
            if events.read(row).place < at:
                await theirs_first._route_or_set_aside(row)
        absorbed = {**absorbed, "traits": theirs_first.traits}
        # What was due before was due while they were two.
        theirs = [
            await theirs_first._up_to(one, at.accepted_at)
            for one in await enrollments.concerned(self.tx, absorbed["id"], self.now)
        ]
        ours = [await self._up_to(one, at.accepted_at) for one in await enrollments.concerned(self.tx, self.id, self.now)]
        inside = {(one.journey, one.key): one for one in ours if one.open}
        for one in theirs:
            if one.open and (one.journey, one.key) in inside:
                # One person is in the same journey twice: who entered first goes on.
                both = sorted((one, inside[one.journey, one.key]), key=lambda e: (e.state.entered_at, e.id))
                await self.close(both[1], Ending(kind="closed", reason="merged", at=self.now))
        before = self.traits, absorbed["traits"]
        self.row = await customers.merge(self.tx, absorbed, {**self.row, "traits": self.traits}, self.now)
        self.traits = self.row["traits"]
        self._consents = None
        await phone_numbers.note_number(self.tx, absorbed["id"], {}, self.now)
        await phone_numbers.note_number(self.tx, self.id, self.traits, self.now)
        await days_merged(self.tx, self.runtime.programs, absorbed["id"], self.row, at.accepted_at)
        for those, traits in zip((ours, theirs), before, strict=True):
            new = {name for name in {*traits, *self.traits} if traits.get(name) != self.traits.get(name)}
            now = [await enrollments.get(self.tx, one.id) for one in those if one.open]
            counted = {
                name for one in now for name, _, _ in (await self.runtime.programs.get(self.tx, one.program_id)).computed
            }
            after = await self._changed(now, {*new, *counted}, at.accepted_at)
            await temporal_outbox.put(self.tx, "wake", [a.id for b, a in zip(now, after, strict=True) if a.seq > b.seq])

    async def _meet(self, enrollment: Enrollment, event: Event) -> bool:
        """Let an enrollment know of an event, as of the instant of the event. Returns whether its workflow must be woken.

        What was due before is done first, and what the event sets going is done here and now: however late a worker or a
        router comes, each event finds the enrollment where it stood when the event was accepted.
        """
        enrollment = self._now(enrollment)
        before = enrollment.seq
        program = await self.runtime.programs.get(self.tx, enrollment.program_id)
        enrollment = await self._up_to(enrollment, event.accepted_at)
        facts = await self.facts(program, event.accepted_at)
        if not enrollment.open:
            reached, value = match_event.attributes(program, enrollment.state, event, facts)
            if reached:
                await self._reach_goal(enrollment, event, value)
            elif why := match_event.takes_back(program, enrollment.state, event, facts):
                await self._show_no_more(enrollment, why, event.accepted_at)
            return enrollment.seq > before
        match match_event.meet(program, enrollment.state, event, facts):
            case Ends(ending, value):
                if ending.kind == "goal":
                    enrollment = await self._reach_goal(enrollment, event, value)
                await self.close(enrollment, ending)
            case ReachesGoal(value):
                enrollment = await self._reach_goal(enrollment, event, value)
                enrollment = await self.advance(enrollment, event.accepted_at)
            case Late(step):
                await enrollments.note(self.tx, enrollment.id, [Trace(event.accepted_at, "late", step, {"event": event.name})])
            case Wakes():
                enrollment = await self.advance(enrollment, event.accepted_at)
            case None:
                pass
        return enrollment.seq > before

    async def _reach_goal(self, enrollment: Enrollment, event: Event, value: float | None) -> Enrollment:
        why = {"event": event.name, "value": value}
        await enrollments.note(self.tx, enrollment.id, [Trace(event.accepted_at, "goal", enrollment.state.step, why)])
        state = enrollment.state.model_copy(update={"goal_at": event.accepted_at})
        reached = enrollment._replace(state=state, goal_at=event.accepted_at, goal_value=value, attribute_until=None)
        await self._show_no_more(enrollment, "goal", event.accepted_at)
        said = {"journey": enrollment.journey, **({} if value is None else {"value": value})}
        await self.tell(enrollment, Observation("Goal Reached", self.id, None, None, said, f"goal:{enrollment.id}"))
        return await self._save(reached)

    async def _save(self, enrollment: Enrollment) -> Enrollment:
        self._newest[enrollment.id] = saved = await enrollments.save(self.tx, enrollment)
        return saved

    async def tell(self, enrollment: Enrollment, seen: Observation) -> None:
        """Let journeys know of what happened here, if one that is published listens, or the enrollment's own."""
        program = await self.runtime.programs.get(self.tx, enrollment.program_id)
        others = [one.program for one in await self.runtime.programs.published(self.tx)]
        if any(seen.name in one.hears for one in (program, *others)):
            await observe(self.tx, seen)

    async def close(self, enrollment: Enrollment, ending: Ending) -> None:
        """End an enrollment here and now, and let its workflow know."""
        await self.record(enrollment, move.close(enrollment.state, ending))
        await self._show_no_more(enrollment, ending.kind, ending.at)
        await temporal_outbox.put(self.tx, "wake", [enrollment.id])

    async def _show_no_more(self, enrollment: Enrollment, why: str, at: datetime) -> None:
        """What was placed on the web is not for somebody who reached the goal or left. (Running off the end of a journey
        takes nothing away.)"""
        if any(is_placed(channel) for touched in enrollment.state.touches.values() for channel in touched):
            await web_placements.end(self.tx, enrollment.id, why, at)

    # Entering.

    async def enter(self, program_id: str, program: Program, event: Event, *, stopped: bool = False) -> Entered:
        """Enroll the customer if the journey lets them in on this event."""
        facts = await self.facts(program, event.accepted_at)
        asked = applies(program, event, facts)
        if not isinstance(asked, Applies):
            return Entered(None, asked or StayOut("event", "the journey is not entered on this event"))
        if stopped:
            return Entered(None, StayOut("stopped", "the journey is stopped"))
        is_in, last = await enrollments.past(self.tx, self.id, program.journey, asked.key)
        answer = admit(program, asked.key, event.accepted_at, facts.zone, is_in=is_in is not None, last_entered_at=last)
        if not isinstance(answer, Admitted):
            return Entered(is_in, answer)
        if is_in is None and not await self._room(program, event.accepted_at):
            return Entered(None, full(program))
        if is_in is not None:
            restarted = await enrollments.get(self.tx, is_in)
            await self.close(restarted, Ending(kind="closed", reason="restarted", at=event.accepted_at))
        enrollment_id = uuid.uuid4().hex
        machine = interpreter.begin(program, enrollment_id, self.id, event, asked.key, facts)
        outcome = await self.drive(program, machine, entering=True)
        enrollment = _ended(
            Enrollment(enrollment_id, self.id, program.journey, program_id, asked.key, 1, outcome.state), program
        )
        await enrollments.create(self.tx, enrollment)
        self._newest[enrollment_id] = enrollment
        await enrollments.note(self.tx, enrollment_id, outcome.trace)
        await self._claim(enrollment_id, program, outcome)
        if enrollment.open:
            await temporal_outbox.put(self.tx, "start", [enrollment_id])
        await self._do(enrollment, program, outcome.effects, event.accepted_at)
        return Entered(enrollment_id, None)

    async def _room(self, program: Program, at: datetime) -> bool:
        """Whether one more may enter on that day; counted, if so."""
        most = program.entry.at_most
        return most is None or await daily_counts.count_entry(self.tx, program.journey, day_of(program, at), most)

    # Moving.

    async def advance(self, enrollment: Enrollment, until: datetime | None = None) -> Enrollment:
        """Take the enrollment as far as the present allows, or as an instant in the past did."""
        if not enrollment.open:
            return enrollment
        now = until or self.now
        program = await self.runtime.programs.get(self.tx, enrollment.program_id)
        facts = await self.facts(program, now)
        machine = interpreter.advance(program, enrollment.state, facts, now)
        outcome = await self.drive(program, machine)
        if outcome.state == enrollment.state:
            return enrollment
        return await self.record(enrollment, outcome, now)

    async def settle(
        self, enrollment: Enrollment, touch: Touch, touched: Touched, note: Trace, until: datetime | None = None
    ) -> Enrollment:
        """Record how a touch came to stand and, if that frees the enrollment, take it further, as far as ``advance``
        would; one write for both."""
        now = until or self.now
        state = enrollment.state
        step = state.formerly.get(touch.step) or str(touch.step)
        if touch.round == state.rounds.get(step, 1):
            # Of an earlier round only the touch itself is still spoken of.
            state = move.settle(state, step, touch.channel, touched)
        if not enrollment.open:
            return await self.record(enrollment, Outcome(state, (note,)))
        program = await self.runtime.programs.get(self.tx, enrollment.program_id)
        facts = await self.facts(program, now)
        outcome = await self.drive(program, interpreter.advance(program, state, facts, now))
        return await self.record(enrollment, outcome._replace(trace=(note, *outcome.trace)), now)

    async def answer(
        self, enrollment: Enrollment, call: EndpointCall, response: Mapping[str, Any] | None, reason: str | None
    ) -> Enrollment:
        """Record how a call came to its end (a response, or None and why) and take the enrollment further. An answer to
        what is no longer asked changes nothing."""
        state = enrollment.state
        if not enrollment.open or call.round != state.rounds.get(call.step, 1):
            return enrollment
        program = await self.runtime.programs.get(self.tx, enrollment.program_id)
        state = interpreter.answered(program, state, call.step, response, reason, self.now)
        if state == enrollment.state:
            return enrollment
        facts = await self.facts(program, self.now)
        return await self.record(enrollment, await self.drive(program, interpreter.advance(program, state, facts, self.now)))

    async def record(self, enrollment: Enrollment, outcome: Outcome, at: datetime | None = None) -> Enrollment:
        """Write one move, whose present was ``at`` (by default now): position, deadline, trace, claims; and at the end, that
        nothing claimed will leave."""
        program = await self.runtime.programs.get(self.tx, enrollment.program_id)
        moved = await self._save(_ended(enrollment._replace(state=outcome.state), program))
        await enrollments.note(self.tx, enrollment.id, outcome.trace)
        await self._claim(enrollment.id, program, outcome)
        if not moved.open and enrollment.open and _cut_short(moved.state):
            for touch in await touches.claimed(self.tx, enrollment.id):
                await self.give_back(program, touch)
            await touches.cancel(self.tx, enrollment.id, self.now)
        await self._do(moved, program, outcome.effects, at or self.now)
        return self._now(moved)

    async def _claim(self, enrollment_id: str, program: Program, outcome: Outcome) -> None:
        await touches.claim(self.tx, enrollment_id, self.id, outcome.claims, program, self.runtime.accounts, self.now)

    async def _do(self, enrollment: Enrollment, program: Program, effects: Sequence[Effect], at: datetime) -> None:
        """What a move, whose present was ``at``, asks for beside messages."""
        for effect in effects:
            match effect:
                case Learn(values):
                    await self._becomes_known(values, at, by=enrollment.id)
                case protocol.CallRequest(step=step):
                    asked = program.steps[step]
                    assert isinstance(asked, Call)
                    await endpoint_calls.ask(self.tx, enrollment.id, self.id, asked.endpoint.name, effect, at=self.now)
                case Enroll(step, round_, journey, properties):
                    message_id = f"idic-enter:{enrollment.id}:{step}:{round_}"
                    await request(self.tx, self.id, journey, properties, message_id, REQUESTED)
                case _:
                    assert_never(effect)

    async def instruction(self, enrollment: Enrollment) -> Instruction:
        """What the enrollment's workflow is to do now."""
        return await instruct(self.tx, self.runtime, enrollment)


class Entered:
    """The answer to a request for entry: the enrollment (also the one they are in already), or why not."""

    def __init__(self, enrollment_id: str | None, refusal: StayOut | None) -> None:
        self.enrollment_id = enrollment_id
        self.refusal = refusal

    @property
    def text(self) -> str:
        return f"stays out: {self.refusal.reason}" if self.refusal else f"entered {self.enrollment_id}"


def _cut_short(state: State) -> bool:
    """Whether the end came before what was claimed had left."""
    return any(touched.reason == "ended" for channels in state.touches.values() for touched in channels.values())


def _ended(enrollment: Enrollment, program: Program) -> Enrollment:
    """With the window in which a goal after the end is still put down to the journey, if it has ended without one."""
    return enrollment._replace(attribute_until=match_event.attributed_until(program, enrollment.state))
