"""Change the enrollments of a locked customer.

Only this class moves enrollments. ``idic.router.hold`` locks the customer and routes their events first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, assert_never

from idic.journey.channels import is_placed
from idic.journey.engine import interpreter, match_event, move, protocol
from idic.journey.engine.admission import REQUESTED
from idic.journey.engine.protocol import Effect, Enroll, Learn, Outcome
from idic.journey.engine.state import Ending, State, Touched, Trace
from idic.journey.program.program import Program
from idic.journey.program.steps import Call
from idic.router.customer_facts import CustomerFacts
from idic.router.instruction import Instruction
from idic.router.next_instruction import instruct
from idic.router.schedule import days_moved
from idic.store import temporal_outbox
from idic.store.customer import customers, phone_numbers
from idic.store.customer.ingest import Observation, observe, request
from idic.store.enrollment import endpoint_calls, enrollments, touches, web_placements
from idic.store.enrollment.endpoint_calls import EndpointCall
from idic.store.enrollment.enrollments import Enrollment
from idic.store.enrollment.touches import Touch

_MOMENT = timedelta(microseconds=1)
"""The shortest time between two instants."""


class SetAside(Exception):
    """This customer's events can't be routed in this transaction; retry in a new one."""


class NeedsLockTogether(SetAside):
    """Two customers must be locked in the order of their ids, and one is held already: start over with both."""

    def __init__(self, *ids: str) -> None:
        self.ids = frozenset(ids)


class PoisonEvent(SetAside):
    """Routing this event fails: start over without it. ``error`` is the kind of the failure."""

    def __init__(self, event_id: int, error: str) -> None:
        self.event_id, self.error = event_id, error


class HeldCustomer:
    """A customer whose row is locked in a transaction, with every move of their enrollments.

    ``customer`` are their facts. ``poison`` are events that can't be routed, each with its error. ``together`` are the
    customers that this transaction locked in the order of their ids.
    """

    def __init__(
        self, customer: CustomerFacts, poison: Mapping[int, str] | None = None, together: frozenset[str] = frozenset()
    ) -> None:
        self.customer = customer
        self.tx = customer.tx
        self.runtime = customer.runtime
        self.id = customer.id
        self.now = customer.now
        self.poison = poison or {}
        self.together = together
        self._newest: dict[str, Enrollment] = {}

    # Moving.

    async def advance(self, enrollment: Enrollment, until: datetime | None = None) -> Enrollment:
        """Advance the enrollment to now, or to the past instant ``until``."""
        if not enrollment.open:
            return enrollment
        now = until or self.now
        program = await self.runtime.programs.get(self.tx, enrollment.program_id)
        facts = await self.customer.facts(program, now)
        machine = interpreter.advance(program, enrollment.state, facts, now)
        outcome = await self.customer.drive(program, machine)
        if outcome.state == enrollment.state:
            return enrollment
        return await self.record(enrollment, outcome, now)

    async def advance_before(self, enrollment: Enrollment, at: datetime) -> Enrollment:
        """Do everything due before ``at``."""
        enrollment = self.newest(enrollment)
        if enrollment.open and enrollment.state.deadline and enrollment.state.deadline < at:
            return await self.advance(enrollment, at - _MOMENT)
        return enrollment

    async def settle(
        self, enrollment: Enrollment, touch: Touch, touched: Touched, note: Trace, until: datetime | None = None
    ) -> Enrollment:
        """Record the new status of a touch and, if that frees the enrollment, advance it, in one write."""
        now = until or self.now
        state = enrollment.state
        step = state.formerly.get(touch.step) or touch.step
        if touch.round == state.rounds.get(step, 1):
            # The state knows only the current round; a touch of an earlier round is recorded only in its own row.
            state = move.settle(state, step, touch.channel, touched)
        if not enrollment.open:
            return await self.record(enrollment, Outcome(state, (note,)))
        program = await self.runtime.programs.get(self.tx, enrollment.program_id)
        facts = await self.customer.facts(program, now)
        outcome = await self.customer.drive(program, interpreter.advance(program, state, facts, now))
        return await self.record(enrollment, outcome._replace(trace=(note, *outcome.trace)), now)

    async def answer(
        self, enrollment: Enrollment, call: EndpointCall, response: Mapping[str, Any] | None, reason: str | None
    ) -> Enrollment:
        """Record how a call ended (a response, or None and the reason) and take the enrollment further. An answer that the
        enrollment no longer waits for changes nothing."""
        state = enrollment.state
        if not enrollment.open or call.round != state.rounds.get(call.step, 1):
            return enrollment
        program = await self.runtime.programs.get(self.tx, enrollment.program_id)
        state = interpreter.answered(program, state, call.step, response, reason, self.now)
        if state == enrollment.state:
            return enrollment
        facts = await self.customer.facts(program, self.now)
        outcome = await self.customer.drive(program, interpreter.advance(program, state, facts, self.now))
        return await self.record(enrollment, outcome)

    async def close(self, enrollment: Enrollment, ending: Ending) -> None:
        """End an enrollment at once, and let its workflow know."""
        await self.record(enrollment, move.close(enrollment.state, ending))
        await self.take_off_web(enrollment, ending.kind, ending.at)
        await temporal_outbox.put(self.tx, "wake", [enrollment.id])

    # Recording.

    async def create(self, enrollment: Enrollment, program: Program, outcome: Outcome, at: datetime) -> None:
        """Write a new enrollment with its first move, computed as of ``at``; start its workflow if it is open."""
        await enrollments.create(self.tx, enrollment)
        self._newest[enrollment.id] = enrollment
        await enrollments.note(self.tx, enrollment.id, outcome.trace)
        await self._claim(enrollment.id, program, outcome)
        if enrollment.open:
            await temporal_outbox.put(self.tx, "start", [enrollment.id])
        await self._perform(enrollment, program, outcome.effects, at)

    async def record(self, enrollment: Enrollment, outcome: Outcome, at: datetime | None = None) -> Enrollment:
        """Write one move, computed as of ``at`` (default: now): position, deadline, trace and claims. At the enrollment's
        end, no claimed touch will be sent."""
        program = await self.runtime.programs.get(self.tx, enrollment.program_id)
        moved = await self.save(with_goal_window(enrollment._replace(state=outcome.state), program))
        await enrollments.note(self.tx, enrollment.id, outcome.trace)
        await self._claim(enrollment.id, program, outcome)
        if not moved.open and enrollment.open and _cut_short(moved.state):
            for touch in await touches.claimed(self.tx, enrollment.id):
                await self.customer.give_back(program, touch)
            await touches.cancel(self.tx, enrollment.id, self.now)
        await self._perform(moved, program, outcome.effects, at or self.now)
        return self.newest(moved)

    async def save(self, enrollment: Enrollment) -> Enrollment:
        """Write the enrollment's row. Raises ``Conflict`` if it was moved since it was read."""
        self._newest[enrollment.id] = saved = await enrollments.save(self.tx, enrollment)
        return saved

    def newest(self, enrollment: Enrollment) -> Enrollment:
        """The enrollment after its latest move in this hold: moving one enrollment can move another."""
        newest = self._newest.get(enrollment.id, enrollment)
        return newest if newest.seq > enrollment.seq else enrollment

    async def _claim(self, enrollment_id: str, program: Program, outcome: Outcome) -> None:
        await touches.claim(self.tx, enrollment_id, self.id, outcome.claims, program, self.runtime.accounts, self.now)

    async def _perform(self, enrollment: Enrollment, program: Program, effects: Sequence[Effect], at: datetime) -> None:
        """Perform the effects of a move, computed as of ``at``, other than messages."""
        for effect in effects:
            match effect:
                case Learn(values):
                    await self.learn(values, at, by=enrollment.id)
                case protocol.CallRequest(step=step):
                    call = program.steps[step]
                    assert isinstance(call, Call)
                    await endpoint_calls.ask(self.tx, enrollment.id, self.id, call.endpoint.name, effect, at=self.now)
                case Enroll(step, round_, journey, properties):
                    message_id = f"idic-enter:{enrollment.id}:{step}:{round_}"
                    await request(self.tx, self.id, journey, properties, message_id, REQUESTED)
                case _:
                    assert_never(effect)

    # Learning.

    async def learn(self, traits: Mapping[str, Any], at: datetime, *, by: str | None = None) -> None:
        """Set attributes of the customer (``by``: the enrollment that set them, which isn't advanced here).

        Enrollments that wait for the change continue, after everything that was due before it with the old attributes.
        """
        concerned = await enrollments.affected(self.tx, self.id, at)
        before = [self.newest(enrollment) for enrollment in concerned if enrollment.id != by]
        on_time = [await self.advance_before(enrollment, at) for enrollment in before]
        await self._set_traits(traits, at)
        after = await self.attributes_changed(on_time, traits.keys(), at)
        moved = [new.id for old, new in zip(before, after, strict=True) if new.seq > old.seq]
        await temporal_outbox.put(self.tx, "wake", moved)

    async def _set_traits(self, traits: Mapping[str, Any], at: datetime) -> None:
        before = self.customer.traits
        after = {name: value for name, value in {**before, **traits}.items() if value is not None}
        self.customer.traits = after
        await customers.set_traits(self.tx, self.id, after, self.now)
        if any(before.get(name) != after.get(name) for name in phone_numbers.NUMBER_ATTRIBUTES):
            await phone_numbers.note_number(self.tx, self.id, after, self.now)
        await days_moved(self.tx, self.runtime.programs, self.id, before, after, at)

    async def attributes_changed(
        self, watching: Sequence[Enrollment], names: Collection[str], at: datetime
    ) -> list[Enrollment]:
        """Advance the enrollments whose step watches one of these attributes. Returns all enrollments in their new state."""
        current = []
        for stale in watching:
            enrollment = self.newest(stale)
            program = await self.runtime.programs.get(self.tx, enrollment.program_id)
            if match_event.watches(program, enrollment.state) & set(names):
                await self.advance(enrollment, at)
            current.append(enrollment)
        return [self.newest(enrollment) for enrollment in current]

    # Telling others.

    async def tell(self, enrollment: Enrollment, observation: Observation) -> None:
        """Record idic's own event, if a published journey or the enrollment's own journey listens for it."""
        program = await self.runtime.programs.get(self.tx, enrollment.program_id)
        others = [published.program for published in await self.runtime.programs.published(self.tx)]
        if any(observation.name in listener.hears for listener in (program, *others)):
            await observe(self.tx, observation)

    async def take_off_web(self, enrollment: Enrollment, why: str, at: datetime) -> None:
        """Remove the enrollment's content from the web after the goal or a leave event. A normal end removes nothing."""
        if any(is_placed(channel) for touched in enrollment.state.touches.values() for channel in touched):
            await web_placements.end(self.tx, enrollment.id, why, at)

    async def instruction(self, enrollment: Enrollment) -> Instruction:
        """The next instruction for the enrollment's workflow."""
        return await instruct(self.tx, self.runtime, enrollment)


def with_goal_window(enrollment: Enrollment, program: Program) -> Enrollment:
    """The enrollment with the window in which a later goal still counts for the journey, if it has ended without a goal."""
    return enrollment._replace(attribute_until=match_event.attributed_until(program, enrollment.state))


def _cut_short(state: State) -> bool:
    """Whether it ended before claimed touches were sent."""
    return any(touched.reason == "ended" for channels in state.touches.values() for touched in channels.values())
