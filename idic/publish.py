"""Publish compiled journeys: from then on customers enter them."""

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
    """What publishing a journey changed, or would change.

    ``before`` is the id of the program that customers entered until then, ``inside`` how many customers are still in
    earlier programs, ``restarted`` whether the journey had been stopped.
    """

    journey: str
    change: Change
    program: Program
    before: str | None = None
    inside: int = 0
    paused_at: datetime | None = None
    restarted: bool = False


class PublishResult(NamedTuple):
    """The result of publishing a folder.

    ``missing`` are published journeys that the folder no longer has; they stay as they were. ``policy`` says that the
    contact policy changed, which applies at once, also to customers who are inside a journey.
    """

    publications: tuple[Publication, ...]
    missing: tuple[str, ...] = ()
    policy: bool = False

    @property
    def changed(self) -> tuple[str, ...]:
        """The journeys whose new entries take another program from now on, or start again."""
        changed = (entry for entry in self.publications if entry.change != "same" or entry.restarted)
        return tuple(entry.journey for entry in changed)


async def publish(store: Store, compilation: Compilation, *, dry: bool = False) -> PublishResult:
    """Publish every journey without errors, with its vocabulary and contact new_policy, in journey transaction.

    A policy with errors is not published: the policy in force stays. Customers inside a journey finish the program that they
    began. With ``dry`` nothing is written. Raises ``StoreUnavailable``.
    """
    ordered = [compilation.programs[name] for name in sorted(compilation.programs)]

    async def work(tx: Tx) -> PublishResult:
        publications = await _compared(tx, ordered)
        new_policy = compilation.policy is not None and await policies.differs(tx, compilation.policy)
        if not dry:
            if new_policy and compilation.policy is not None:
                await policies.publish(tx, compilation.policy, tx.now())
            await programs.publish_vocabulary(tx, compilation.vocabulary.model_dump(mode="json"), tx.now())
            await _write(tx, ordered)
        published = {journey.journey for journey in await programs.published_journeys(tx) if journey.stopped_at is None}
        missing = tuple(sorted(published - compilation.files.keys() - compilation.programs.keys()))
        return PublishResult(publications, missing, new_policy)

    return await _done(store, work, dry=dry)


async def publish_again(store: Store, program_id: str, *, dry: bool = False) -> PublishResult:
    """Publish a program that the store holds, by its id or the beginning of it.

    Raises ``NotFound``, ``InvalidInput`` where several ids begin so, ``ProgramMissing``, ``StoreUnavailable``.
    """

    async def work(tx: Tx) -> PublishResult:
        program = await programs.Programs().get(tx, await programs.find_program(tx, program_id))
        publications = await _compared(tx, [program])
        if not dry:
            await _write(tx, [program])
        return PublishResult(publications)

    return await _done(store, work, dry=dry)


async def _compared(tx: Tx, ordered: Sequence[Program]) -> tuple[Publication, ...]:
    """What publishing would change; call it before publishing."""
    inside = await journeys.open_by_step(tx)
    publications = []
    for program in ordered:
        (published,) = await programs.published_journeys(tx, [program.journey]) or (None,)
        publications.append(
            Publication(
                program.journey,
                await programs.change_by(tx, program),
                program,
                published.program_id if published else None,
                sum(row.n for row in inside if row.journey == program.journey and row.program_id != program.id),
                published.paused_at if published else None,
                published is not None and published.stopped_at is not None,
            )
        )
    return tuple(publications)


async def _write(tx: Tx, ordered: Sequence[Program]) -> None:
    for program in ordered:
        await programs.publish(tx, program, tx.now())
    await plan(tx, programs.Programs(), tx.now())


async def _done(store: Store, work: Callable[[Tx], Awaitable[PublishResult]], *, dry: bool) -> PublishResult:
    if dry:
        async with store.reading() as tx:
            return await work(tx)
    return await store.move("publish", work)
