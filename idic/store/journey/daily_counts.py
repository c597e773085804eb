"""Count per day: entries into a journey, and messages of a channel with a budget.

A count and its limit are checked in one statement, in the transaction that enters or claims. Any other transaction that
wants to count for the same day waits until this one ends.
"""

from __future__ import annotations

from sqlalchemy import Column, Table, update

from idic.store.database import Tx
from idic.store.tables import admissions, budgets

UNLIMITED = 2**31 - 1
"""The largest count that the column holds."""


async def count_entry(tx: Tx, journey: str, day: str, at_most: int) -> bool:
    """Count one entry into ``journey`` on ``day`` (ISO). Returns False, and counts nothing, once ``at_most`` have entered."""
    return await _count(tx, admissions, admissions.c.journey, journey, day, at_most)


async def count_message(tx: Tx, channel: str, day: str, at_most: int) -> bool:
    """Count one message of ``channel`` on ``day`` (ISO). Returns False, and counts nothing, once ``at_most`` are counted."""
    return await _count(tx, budgets, budgets.c.channel, channel, day, at_most)


async def give_back_messages(tx: Tx, channel: str, day: str, number: int = 1) -> None:
    """Subtract ``number`` messages that were certainly not sent."""
    counted = (budgets.c.channel == channel) & (budgets.c.day == day) & (budgets.c.count >= number)
    await tx.execute(update(budgets).where(counted).values(count=budgets.c.count - number))


async def _count(tx: Tx, table: Table, key: Column[str], value: str, day: str, at_most: int) -> bool:
    counted = (
        tx.insert(table)
        .values({key.name: value, "day": day, "count": 1})
        .on_conflict_do_update(
            index_elements=[key, table.c.day], set_={"count": table.c.count + 1}, where=table.c.count < at_most
        )
        .returning(table.c.count)
    )
    return at_most > 0 and await tx.scalar(counted) is not None
