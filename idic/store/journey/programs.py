"""Store programs, publications, and the vocabulary.

Programs never change, so a process reads and parses each of them once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError
from sqlalchemy import insert, select, update

from idic.errors import Conflict, IdicError, InvalidInput, NotFound
from idic.journey.program.program import Program
from idic.store.database import Tx
from idic.store.tables import journeys, programs, publications, vocabularies

_KEPT = 512

Change = Literal["new", "flow", "words", "same"]
"""What a publication changes: the journey is ``new``, its ``flow`` changes, only the ``words`` that customers read change, or
nothing does (``same``)."""


class ProgramMissing(IdicError):
    """The store has no such program, or this version cannot read it. Retrying helps, where another replica has it or
    another worker can read it."""

    code = "program_missing"


class JourneyStopped(Conflict):
    """The journey is stopped: nobody enters it until it is published again."""

    code = "journey_stopped"


class PublishedJourney(NamedTuple):
    """A published journey: which program new customers enter, and since when it is paused or stopped, if it is."""

    journey: str
    program_id: str
    published_at: datetime
    paused_at: datetime | None = None
    stopped_at: datetime | None = None


class PublishedProgram(NamedTuple):
    """A published journey's program with its id, and whether the journey is stopped, so that nobody enters."""

    program_id: str
    program: Program
    stopped: bool


class Programs:
    """A cache of the programs that this process has read."""

    def __init__(self) -> None:
        self._read: OrderedDict[str, Program] = OrderedDict()

    async def get(self, tx: Tx, program_id: str) -> Program:
        """The program with this id. Raises ``ProgramMissing``."""
        if program_id in self._read:
            self._read.move_to_end(program_id)
            return self._read[program_id]
        document = await tx.scalar(select(programs.c.document).where(programs.c.id == program_id))
        if document is None:
            raise ProgramMissing(f"program {program_id} is not in the store")
        try:
            program = Program.model_validate(document)
        except ValidationError as error:
            raise ProgramMissing(f"program {program_id} was written by a version of idic that this one cannot read") from error
        self._read[program_id] = program
        if len(self._read) > _KEPT:
            self._read.popitem(last=False)
        return program

    async def published(self, tx: Tx) -> list[PublishedProgram]:
        """Every published journey, in the order of their names."""
        return [
            PublishedProgram(journey.program_id, await self.get(tx, journey.program_id), journey.stopped_at is not None)
            for journey in await published_journeys(tx)
        ]

    async def of(self, tx: Tx, journey: str) -> tuple[str, Program]:
        """The program that new customers of a journey enter. Raises ``NotFound``, ``JourneyStopped``."""
        (published,) = await published_journeys(tx, [journey]) or (None,)
        if published is None:
            raise NotFound(f'no journey "{journey}" is published')
        if published.stopped_at is not None:
            raise JourneyStopped(f'journey "{journey}" is stopped: nobody enters it until it is published again')
        return published.program_id, await self.get(tx, published.program_id)


async def published_journeys(tx: Tx, names: Collection[str] | None = None) -> list[PublishedJourney]:
    """All published journeys, or those of ``names``, by name."""
    chosen = select(
        journeys.c.name.label("journey"),
        journeys.c.program_id,
        journeys.c.published_at,
        journeys.c.paused_at,
        journeys.c.stopped_at,
    ).order_by(journeys.c.name)
    if names is not None:
        chosen = chosen.where(journeys.c.name.in_(names))
    return [PublishedJourney(**row) for row in await tx.rows(chosen)]


async def change_by(tx: Tx, program: Program) -> Change:
    """What publishing ``program`` would change."""
    row = await tx.row(
        select(programs.c.id, programs.c.flow)
        .join(journeys, journeys.c.program_id == programs.c.id)
        .where(journeys.c.name == program.journey)
    )
    if row is None:
        return "new"
    if row["id"] == program.id:
        return "same"
    return "words" if row["flow"] == program.flow else "flow"


async def publish(tx: Tx, program: Program, at: datetime) -> Change:
    """Make ``program`` the one that new customers enter, also where the journey was stopped. Returns what changed."""
    change = await change_by(tx, program)
    await tx.execute(
        tx.insert(programs)
        .values(
            id=program.id,
            journey=program.journey,
            flow=program.flow,
            content=program.content,
            document=program.document(),
            created_at=at,
        )
        .on_conflict_do_nothing()
    )
    if change == "same":
        await tx.execute(update(journeys).where(journeys.c.name == program.journey).values(stopped_at=None))
        return change
    current = {"program_id": program.id, "published_at": at, "stopped_at": None}
    await tx.execute(
        tx.insert(journeys)
        .values({"name": program.journey, **current})
        .on_conflict_do_update(index_elements=[journeys.c.name], set_=current)
    )
    await tx.execute(insert(publications).values(journey=program.journey, program_id=program.id, published_at=at))
    return change


async def pause(tx: Tx, journey: str, at: datetime | None) -> None:
    """Pause the journey from ``at`` on; None resumes it. A journey that is paused already stays paused since then."""
    paused = update(journeys).where(journeys.c.name == journey).values(paused_at=at)
    await tx.execute(paused if at is None else paused.where(journeys.c.paused_at.is_(None)))


async def stop(tx: Tx, journey: str, at: datetime) -> None:
    """Stop the journey from ``at`` on: nobody enters any more."""
    await tx.execute(update(journeys).where(journeys.c.name == journey, journeys.c.stopped_at.is_(None)).values(stopped_at=at))


async def find_program(tx: Tx, id_: str) -> str:
    """The full id of the program whose id begins with ``id_``. Raises ``NotFound``, and ``InvalidInput`` where several ids
    do."""
    rows = await tx.rows(
        select(programs.c.id, programs.c.journey).where(programs.c.id.startswith(id_, autoescape=True)).order_by(programs.c.id)
    )
    if not id_ or not rows:
        raise NotFound(f'there is no program "{id_}"; `idic journeys NAME` lists those of a journey')
    if len(rows) > 1:
        matches = ", ".join(f"{row['id']} ({row['journey']})" for row in rows[:4])
        raise InvalidInput(f'several programs begin with "{id_}": {matches}')
    return str(rows[0]["id"])


class PastPublication(NamedTuple):
    """A program as it was published, with the digest of its flow."""

    program_id: str
    published_at: datetime
    flow: str


async def publications_of(tx: Tx, journey: str) -> list[PastPublication]:
    """Every publication of a journey, the newest first."""
    rows = await tx.rows(
        select(publications.c.program_id, publications.c.published_at, programs.c.flow)
        .join(programs, programs.c.id == publications.c.program_id)
        .where(publications.c.journey == journey)
        .order_by(publications.c.id.desc())
    )
    return [PastPublication(**row) for row in rows]


async def publish_vocabulary(tx: Tx, document: dict[str, Any], at: datetime) -> None:
    """Publish the vocabulary (as JSON), if it differs from the one before."""
    if await vocabulary(tx) != document:
        await tx.execute(insert(vocabularies).values(document=document, published_at=at))


async def vocabulary(tx: Tx) -> dict[str, Any] | None:
    """The vocabulary that was published last, as JSON, or None."""
    newest = select(vocabularies.c.document).order_by(vocabularies.c.id.desc()).limit(1)
    document = await tx.scalar(newest)
    return document if isinstance(document, dict) else None
