"""Programs, what is published, and the vocabulary. Programs never change, so each is read and parsed once a process."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import insert, select

from idic.errors import IdicError, NotFound
from idic.journey.program import Program
from idic.store.database import Tx
from idic.store.tables import journeys, programs, vocabularies

_KEPT = 512


class ProgramMissing(IdicError):
    """A program that the store does not hold, or that this version cannot read: worth trying again, for another replica
    or another worker will."""

    code = "program_missing"


class Programs:
    """The programs that this process has read."""

    def __init__(self) -> None:
        self._read: OrderedDict[str, Program] = OrderedDict()

    async def get(self, tx: Tx, program_id: str) -> Program:
        """Raises ``ProgramMissing``."""
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

    async def published(self, tx: Tx) -> list[tuple[str, Program]]:
        """Every published journey's program with its id, in the order of the journeys' names."""
        rows = await tx.rows(select(journeys.c.program_id).order_by(journeys.c.name))
        return [(row["program_id"], await self.get(tx, row["program_id"])) for row in rows]

    async def of(self, tx: Tx, journey: str) -> tuple[str, Program]:
        """The published program of one journey. Raises ``NotFound``."""
        program_id = await tx.scalar(select(journeys.c.program_id).where(journeys.c.name == journey))
        if program_id is None:
            raise NotFound(f'no journey "{journey}" is published')
        return program_id, await self.get(tx, program_id)


async def publish(tx: Tx, program: Program, at: datetime) -> bool:
    """Make ``program`` the one that new customers enter. Returns whether that changed anything."""
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
    current = await tx.scalar(select(journeys.c.program_id).where(journeys.c.name == program.journey))
    if current == program.id:
        return False
    row = {"name": program.journey, "program_id": program.id, "published_at": at}
    await tx.execute(
        tx.insert(journeys)
        .values(row)
        .on_conflict_do_update(index_elements=[journeys.c.name], set_={"program_id": program.id, "published_at": at})
    )
    return True


async def publish_vocabulary(tx: Tx, document: dict[str, Any], at: datetime) -> None:
    if await vocabulary(tx) != document:
        await tx.execute(insert(vocabularies).values(document=document, published_at=at))


async def vocabulary(tx: Tx) -> dict[str, Any] | None:
    """The vocabulary that was published last, as JSON; None before the first."""
    newest = select(vocabularies.c.document).order_by(vocabularies.c.id.desc()).limit(1)
    found = await tx.scalar(newest)
    return found if isinstance(found, dict) else None
