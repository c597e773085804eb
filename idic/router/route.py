"""Route a held customer's events: to the waits, goals and leaves of their enrollments, and into journeys.

Events are routed in the order in which they were accepted, each as of the instant of its acceptance. An event that breaks
the routing is set aside, so that it does not stop the events behind it.
"""

from __future__ import annotations

from typing import Any

import structlog
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from idic.errors import IdicError
from idic.identify.names import attribute_name
from idic.interact import consent, preferences
from idic.journey.engine import match_event
from idic.journey.engine.admission import DUE
from idic.journey.engine.match_event import Ends, Late, ReachesGoal, Wakes
from idic.journey.engine.state import Event, Place, Trace
from idic.router import merge
from idic.router.enter_journey import enter
from idic.router.evidence import note_message_event, record_consent
from idic.router.held_customer import HeldCustomer, PoisonEvent, SetAside
from idic.store import temporal_outbox
from idic.store.customer import customers, events
from idic.store.customer.events import StoredEvent
from idic.store.customer.ingest import REQUEST, Observation
from idic.store.database import sqlstate
from idic.store.enrollment import enrollments, touches
from idic.store.enrollment.enrollments import Enrollment

log = structlog.get_logger()

_OF_THE_DATA = {"22", "23", "54"}
"""PostgreSQL's error classes of data that cannot be stored: wrong, against a constraint, too large."""


async def catch_up(held: HeldCustomer) -> None:
    """Route every event of this customer that has been accepted, in the order of acceptance."""
    while unrouted := await events.unrouted(held.tx, held.id):
        for stored in unrouted:
            await _route_or_set_aside(held, stored)
            if stored.merges:
                break  # the merge may have brought more events, earlier ones among them


async def _route_or_set_aside(held: HeldCustomer, stored: StoredEvent) -> None:
    if stored.id in held.poison:
        outcome = {"problem": held.poison[stored.id]}
        await _record_consent_anyway(held, stored)
    else:
        try:
            outcome = await _route(held, stored)
        except SQLAlchemyError as error:
            if sqlstate(error)[:2] in _OF_THE_DATA or isinstance(error, (DataError, IntegrityError)):
                raise PoisonEvent(stored.id, type(error).__name__) from error
            raise
        except (SetAside, IdicError, OSError):
            raise
        except Exception as error:
            # A bug of ours, met by strange data. The error's text may hold the data: only its kind is kept.
            raise PoisonEvent(stored.id, type(error).__name__) from error
    await events.mark_routed(held.tx, stored.id, held.now, outcome)


async def _record_consent_anyway(held: HeldCustomer, stored: StoredEvent) -> None:
    """A withdrawal holds even where its event cannot be routed to journeys."""
    if stored.name not in consent.EVENTS:
        return
    try:
        async with held.tx.connection.begin_nested():
            await record_consent(held, stored.event)
    except (DataError, IntegrityError) as error:
        log.error("consent not recorded", event_id=stored.id, error=type(error).__name__)
    except (SQLAlchemyError, SetAside, IdicError, OSError):
        raise
    except Exception as error:
        log.error("consent not recorded", event_id=stored.id, error=type(error).__name__)


async def _route(held: HeldCustomer, stored: StoredEvent) -> dict[str, Any]:
    """Route one event. Returns its outcome by journey, with a ``problem`` if there is one."""
    if stored.merges:
        await _merge(held, stored.merges, stored.event.place)
    event = stored.event
    if stored.kind == "identify":
        traits = {attribute_name(name): value for name, value in event.properties.items()}
        await held.learn(traits, event.accepted_at)
        return {}
    if stored.kind == REQUEST:
        return await _enter_requested(held, event)
    outcome: dict[str, Any] = {}
    if event.name in consent.EVENTS and (problem := await record_consent(held, event)):
        outcome["problem"] = problem
    if stored.kind == "own" and event.name == preferences.CHANGED:
        preferred = preferences.read(event.properties)._asdict()
        await customers.set_preferences(held.tx, held.id, preferred, held.now)
        held.customer.row = held.customer.row._replace(**preferred)
    to_wake = []
    if stored.kind == "own" and event.name in touches.EVIDENCE:
        to_wake += await note_message_event(held, event)
    held.customer.routing = event
    for enrollment in await enrollments.affected(held.tx, held.id, event.accepted_at):
        if await _meet(held, enrollment, event):
            to_wake.append(enrollment.id)
    held.customer.routing = None
    await temporal_outbox.put(held.tx, "wake", to_wake)
    for published in await held.runtime.programs.published(held.tx):
        if any(pattern.on == event.name for pattern in published.program.entry.on):
            result = await enter(held, *published[:2], event, stopped=published.stopped)
            outcome[published.program.journey] = result.text
    return outcome


async def _merge(held: HeldCustomer, customer_id: str, at: Place) -> None:
    """Merge another customer into this one as of the place ``at``; their events before it are routed first."""
    other = await merge.hold_other(held, customer_id)
    if other is None:
        return
    locked = other.customer.row
    for stored in await events.unrouted(held.tx, other.id):
        if stored.event.place < at:
            await _route_or_set_aside(other, stored)
    await merge.absorb(held, other, locked, at)


async def _enter_requested(held: HeldCustomer, event: Event) -> dict[str, Any]:
    """Let the customer into the one journey that the event asks for, if it is published and takes them."""
    journey, given = event.properties["journey"], event.properties["given"]
    if event.name == DUE and await events.entered_for(held.tx, held.id, event):
        return {str(journey): "stays out: has entered for this time already"}
    for published in await held.runtime.programs.published(held.tx):
        if published.program.journey == journey:
            entry = event.model_copy(update={"properties": given})
            return {journey: (await enter(held, *published[:2], entry, stopped=published.stopped)).text}
    return {str(journey): "stays out: the journey is not published"}


async def _meet(held: HeldCustomer, enrollment: Enrollment, event: Event) -> bool:
    """Let an enrollment know of an event, as of the instant of the event. Returns whether its workflow must be woken.

    What was due before the event is done first, and what the event sets going is done at once: however late a worker or a
    router comes, each event finds the enrollment where it stood when the event was accepted.
    """
    enrollment = held.newest(enrollment)
    before = enrollment.seq
    program = await held.runtime.programs.get(held.tx, enrollment.program_id)
    enrollment = await held.advance_before(enrollment, event.accepted_at)
    facts = await held.customer.facts(program, event.accepted_at)
    if not enrollment.open:
        reached, value = match_event.attributes(program, enrollment.state, event, facts)
        if reached:
            await _reach_goal(held, enrollment, event, value)
        elif why := match_event.takes_back(program, enrollment.state, event, facts):
            await held.take_off_web(enrollment, why, event.accepted_at)
        return enrollment.seq > before
    match match_event.meet(program, enrollment.state, event, facts):
        case Ends(ending, value):
            if ending.kind == "goal":
                enrollment = await _reach_goal(held, enrollment, event, value)
            await held.close(enrollment, ending)
        case ReachesGoal(value):
            enrollment = await _reach_goal(held, enrollment, event, value)
            enrollment = await held.advance(enrollment, event.accepted_at)
        case Late(step):
            await enrollments.note(held.tx, enrollment.id, [Trace(event.accepted_at, "late", step, {"event": event.name})])
        case Wakes():
            enrollment = await held.advance(enrollment, event.accepted_at)
        case None:
            pass
    return enrollment.seq > before


async def _reach_goal(held: HeldCustomer, enrollment: Enrollment, event: Event, value: float | None) -> Enrollment:
    """Record that the event reached the enrollment's goal, with its value."""
    why = {"event": event.name, "value": value}
    await enrollments.note(held.tx, enrollment.id, [Trace(event.accepted_at, "goal", enrollment.state.step, why)])
    state = enrollment.state.model_copy(update={"goal_at": event.accepted_at})
    reached = enrollment._replace(state=state, goal_at=event.accepted_at, goal_value=value, attribute_until=None)
    await held.take_off_web(enrollment, "goal", event.accepted_at)
    properties = {"journey": enrollment.journey, **({} if value is None else {"value": value})}
    await held.tell(enrollment, Observation("Goal Reached", held.id, None, None, properties, f"goal:{enrollment.id}"))
    return await held.save(reached)
