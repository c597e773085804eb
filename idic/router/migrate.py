"""Migrate open enrollments of a journey to another program: first the plan, then one transaction for each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from idic.differentiate.profile import zone_of
from idic.journey.engine import interpreter
from idic.journey.engine.migrate import EXIT, MIGRATED, STAY, Exits, Map, Moves, NotNow, Stays, Unmapped, Verdict, migrate
from idic.journey.engine.protocol import Outcome
from idic.journey.engine.scope import Facts
from idic.journey.engine.state import Ending
from idic.journey.program.program import Program
from idic.router.batch import AGAIN, BatchItem, for_each_enrollment, items, these
from idic.router.held_customer import HeldCustomer
from idic.router.runtime import Runtime
from idic.store import temporal_outbox
from idic.store.database import Store, Tx
from idic.store.enrollment import touches
from idic.store.enrollment.enrollments import Enrollment
from idic.store.reports import journeys
from idic.store.reports.journeys import FormerEnrollment

_PAGE = 500
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Real seconds before those are tried again that could not be migrated yet."""


class StepGroup(NamedTuple):
    """The customers at one step of a former program. ``to`` is a step of the new program, ``exit`` or ``stay``; None where the
    mapping says nothing. ``words``: only the texts differ. ``overdue``: for how many the deadline will have passed already;
    ``under_way``: for how many a message or a call is under way now."""

    program_id: str
    step: str
    to: str | None
    words: bool
    people: int
    overdue: int
    under_way: int


class MigrationPlan(NamedTuple):
    """What migrating to ``program`` would do, by step of the former programs."""

    program: Program
    groups: tuple[StepGroup, ...]

    @property
    def unmapped(self) -> tuple[StepGroup, ...]:
        """The groups that the mapping must still name a target for."""
        return tuple(group for group in self.groups if group.to is None)

    @property
    def moving(self) -> int:
        """How many customers would be moved."""
        return sum(group.people for group in self.groups if group.to not in (None, STAY))

    @property
    def overdue(self) -> int:
        """For how many the deadline will have passed already."""
        return sum(group.overdue for group in self.groups)


async def plan(
    store: Store,
    runtime: Runtime,
    program: Program,
    mapping: Map,
    spread: timedelta,
    progress: Callable[[int], None] = lambda number: None,
) -> MigrationPlan:
    """What migrating every open enrollment to ``program`` would do now. ``progress`` is called with how many were looked at.

    Raises ``StoreUnavailable``, ``ProgramMissing``, ``StateUnreadable``.
    """
    people: Counter[tuple[str, str, str | None, bool]] = Counter()
    overdue: Counter[tuple[str, str, str | None, bool]] = Counter()
    under_way: Counter[tuple[str, str, str | None, bool]] = Counter()
    after = ""
    while True:
        async with store.reading() as tx:
            rows = await journeys.in_other_programs(tx, program.journey, program.id, after, _PAGE)
            for row in rows:
                verdict, former = await _foreseen(tx, runtime, program, mapping, spread, row)
                key = (former.id, row.step, _target(verdict, mapping, row.step), former.flow == program.flow)
                people[key] += 1
                overdue[key] += isinstance(verdict, Moves) and verdict.overdue
                under_way[key] += isinstance(verdict, NotNow)
        if not rows:
            break
        after = rows[-1].enrollment.id
        progress(people.total())
    groups = [StepGroup(*key, count, overdue[key], under_way[key]) for key, count in sorted(people.items(), key=str)]
    return MigrationPlan(program, tuple(groups))


async def _foreseen(
    tx: Tx, runtime: Runtime, program: Program, mapping: Map, spread: timedelta, former: FormerEnrollment
) -> tuple[Verdict, Program]:
    enrollment, _, traits, attempting = former
    old = await runtime.programs.get(tx, enrollment.program_id)
    facts = Facts(traits, zone_of(traits, program.zone))
    return migrate(old, program, enrollment.state, mapping, facts, tx.now(), spread, under_way=attempting), old


def _target(verdict: Verdict, mapping: Map, step: str) -> str | None:
    match verdict:
        case Moves(state=state, arrives=arrives):
            return arrives or state.step
        case Stays():
            return STAY
        case Exits():
            return EXIT
        case Unmapped():
            return None
        case NotNow():
            target = mapping.get(step)
            return (target.step or EXIT) if target is not None else step


class MigrationResult(NamedTuple):
    """How many enrollments were ``moved`` (or took the new texts), ``ended`` and ``stayed``. Of those that are left: how many
    could not be moved yet (``busy``), have no target in the mapping (``unmapped``), or could not be read (``failed``).
    ``stopped``: it was stopped before the end."""

    moved: int = 0
    ended: int = 0
    stayed: int = 0
    busy: int = 0
    unmapped: int = 0
    failed: int = 0
    stopped: bool = False

    @property
    def left(self) -> int:
        """How many are still in a former program, and should not be."""
        return self.busy + self.unmapped + self.failed


async def move_everybody(
    store: Store,
    runtime: Runtime,
    program: Program,
    mapping: Map,
    spread: timedelta,
    *,
    stop: asyncio.Event | None = None,
    progress: Callable[[str], None] = lambda word: None,
) -> MigrationResult:
    """Move every open enrollment of a former program of this journey. Those with something under way are tried again, for
    about a minute. It can be stopped after any, and run again: it goes on with the rest.

    Raises ``StoreUnavailable``.
    """

    async def page(tx: Tx, after: str, limit: int) -> list[BatchItem]:
        return items(await journeys.ids_in_other_programs(tx, program.journey, program.id, after, limit))

    async def work(held: HeldCustomer, enrollment: Enrollment) -> str:
        return await move(held, enrollment, program, mapping, spread)

    counted, again = await for_each_enrollment(store, runtime, "migrate", page, work, stop=stop, progress=progress)
    for pause in _PAUSES:
        if not again or await _stopped_within(stop, pause):
            break
        retried, again = await for_each_enrollment(store, runtime, "migrate", these(again), work, stop=stop, progress=progress)
        counted = counted + retried
        counted[AGAIN] = len(again)
    return MigrationResult(
        moved=counted["moved"],
        ended=counted["ended"],
        stayed=counted["stayed"],
        busy=counted[AGAIN],
        unmapped=counted["unmapped"],
        failed=counted["failed"],
        stopped=stop is not None and stop.is_set(),
    )


async def _stopped_within(stop: asyncio.Event | None, seconds: float) -> bool:
    if stop is None:
        await asyncio.sleep(seconds)
        return False
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def move(held: HeldCustomer, enrollment: Enrollment, program: Program, mapping: Map, spread: timedelta) -> str:
    """Move one enrollment of a held customer. Returns ``moved``, ``ended``, ``stayed``, ``unmapped``, ``again`` (not now), or
    ``there`` (is there already)."""
    if not enrollment.open or enrollment.program_id == program.id:
        return "there"
    former = await held.runtime.programs.get(held.tx, enrollment.program_id)
    facts = await held.customer.facts(program)
    under_way = await journeys.is_sending(held.tx, enrollment.id)
    verdict = migrate(former, program, enrollment.state, mapping, facts, held.now, spread, under_way=under_way)
    match verdict:
        case Stays():
            return "stayed"
        case Unmapped():
            return "unmapped"
        case NotNow():
            return AGAIN
        case Exits():
            await held.close(enrollment, Ending(kind="closed", reason=MIGRATED, at=held.now))
            return "ended"
        case Moves():
            await _record(held, enrollment, program, verdict, facts)
            return "moved"


async def _record(held: HeldCustomer, enrollment: Enrollment, program: Program, moves: Moves, facts: Facts) -> None:
    rounds = enrollment.state.rounds
    for left, columns in (
        (moves.given_back, {"status": "deferred", "reason": MIGRATED}),
        (moves.dropped, {"status": "failed", "reason": MIGRATED, "settled_at": held.now}),
    ):
        for step, channel in left:
            touch = await touches.find(held.tx, touches.touch_id(enrollment.id, step, rounds.get(step, 1), channel))
            if touch is not None and touch.status == "claimed":
                await held.customer.give_back(program, touch)
            if touch is not None:
                await touches.mark(held.tx, touch.id, **columns)
    outcome = Outcome(moves.state, moves.trace)
    if moves.arrives is not None:
        arrived = await held.customer.drive(program, interpreter.arrive(program, moves.state, moves.arrives, facts, held.now))
        outcome = arrived._replace(trace=(*moves.trace, *arrived.trace))
    after = await held.record(enrollment._replace(program_id=program.id), outcome)
    before = enrollment.state
    if (after.state.step, after.state.deadline, after.state.touches) != (before.step, before.deadline, before.touches):
        await temporal_outbox.put(held.tx, "wake", [enrollment.id])
