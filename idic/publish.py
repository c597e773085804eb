"""Make what was compiled the journeys that customers enter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from idic.journey.program.program import Program
from idic.journeys_folder import Compilation
from idic.router.schedule import plan
from idic.store.database import Store, Tx
from idic.store.journey import policies, programs
from idic.store.journey.programs import Change
from idic.store.reports import journeys


class Publication(NamedTuple):
    """What publishing a journey changed, or would: ``before`` is the program that newcomers entered until then, ``inside``
    how many stay in former programs, ``restarted`` whether the journey was stopped."""

    journey: str
    change: Change
    program: Program
    before: str | None = None
    inside: int = 0
    paused_at: datetime | None = None
    restarted: bool = False


class PublishResult(NamedTuple):
    """``missing`` are the published journeys of which there was nothing to publish; they are as they were. ``policy``: the
    contact policy is another one from now on, for everybody who is inside a journey too."""

    publications: tuple[Publication, ...]
    missing: tuple[str, ...] = ()
    policy: bool = False

    @property
    def changed(self) -> tuple[str, ...]:
        """The journeys that customers enter anew from now on."""
        return tuple(one.journey for one in self.publications if one.change != "same" or one.restarted)


async def publish(store: Store, compilation: Compilation, *, dry: bool = False) -> PublishResult:
    """Publish every journey that checks, with the vocabulary and the contact policy they were checked against, in one
    transaction. A policy that does not check is not published: the one in force stays.

    Whoever is inside a journey finishes the program they began. With ``dry`` nothing is written. Raises
    ``StoreUnavailable``.
    """
    ordered = [compilation.programs[name] for name in sorted(compilation.programs)]

    async def work(tx: Tx) -> PublishResult:
        told = await _compared(tx, ordered)
        policy = compilation.policy is not None and await policies.differs(tx, compilation.policy)
        if not dry:
            if policy and compilation.policy is not None:
                await policies.publish(tx, compilation.policy, tx.now())
            await programs.publish_vocabulary(tx, compilation.vocabulary.model_dump(mode="json"), tx.now())
            await _write(tx, ordered)
        there = {one.journey for one in await programs.published_journeys(tx) if one.stopped_at is None}
        missing = tuple(sorted(there - compilation.files.keys() - compilation.programs.keys()))
        return PublishResult(told, missing, policy)

    return await _done(store, work, dry=dry)


async def publish_again(store: Store, program_id: str, *, dry: bool = False) -> PublishResult:
    """Publish a program that the store holds, by its id or the beginning of it.

    Raises ``NotFound``, ``InvalidInput`` where several ids begin so, ``ProgramMissing``, ``StoreUnavailable``.
    """

    async def work(tx: Tx) -> PublishResult:
        program = await programs.Programs().get(tx, await programs.find_program(tx, program_id))
        told = await _compared(tx, [program])
        if not dry:
            await _write(tx, [program])
        return PublishResult(told)

    return await _done(store, work, dry=dry)


async def _compared(tx: Tx, ordered: Sequence[Program]) -> tuple[Publication, ...]:
    """As of before they are published."""
    inside = await journeys.open_by_step(tx)
    found = []
    for program in ordered:
        (now,) = await programs.published_journeys(tx, [program.journey]) or (None,)
        found.append(
            Publication(
                program.journey,
                await programs.change_by(tx, program),
                program,
                now.program_id if now else None,
                sum(row["n"] for row in inside if row["journey"] == program.journey and row["program_id"] != program.id),
                now.paused_at if now else None,
                now is not None and now.stopped_at is not None,
            )
        )
    return tuple(found)


async def _write(tx: Tx, ordered: Sequence[Program]) -> None:
    for program in ordered:
        await programs.publish(tx, program, tx.now())
    await plan(tx, programs.Programs(), tx.now())


async def _done(store: Store, work: Callable[[Tx], Awaitable[PublishResult]], *, dry: bool) -> PublishResult:
    if dry:
        async with store.reading() as tx:
            return await work(tx)
    return await store.move("publish", work)
