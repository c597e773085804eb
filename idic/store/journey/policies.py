"""The contact policy that is in force."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ScalarSelect, func, insert, select

from idic.errors import IdicError
from idic.journey.contact_policy.contact_policy import Policy
from idic.store.database import Tx
from idic.store.tables import policies


class PolicyUnreadable(IdicError):
    """A policy that this version of idic cannot read: nothing may be sent on a guess. Worth trying again, for another worker
    can."""

    code = "policy_unreadable"


class Policies:
    """The policy that this process has read last. What is published holds at once: who asks names the newest."""

    def __init__(self) -> None:
        self._read: tuple[int | None, Policy] = (None, Policy())

    async def get(self, tx: Tx, number: int | None) -> Policy:
        """The policy of this number; the default one for None, before any is published. Raises ``PolicyUnreadable``."""
        known, policy = self._read
        if number == known:
            return policy
        policy = Policy() if number is None else await _fetch(tx, number)
        self._read = number, policy
        return policy

    async def current(self, tx: Tx) -> Policy:
        """Raises ``PolicyUnreadable``."""
        return await self.get(tx, await tx.scalar(select(newest())))


def newest() -> ScalarSelect[int | None]:
    """The question which policy is in force, to be asked in the statement that needs the answer."""
    return select(func.max(policies.c.id)).scalar_subquery()


async def _fetch(tx: Tx, number: int) -> Policy:
    document = await tx.scalar(select(policies.c.document).where(policies.c.id == number))
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        raise PolicyUnreadable("the contact policy was written by a version of idic that this one cannot read") from error


async def publish(tx: Tx, policy: Policy, at: datetime) -> bool:
    """Make ``policy`` the one in force. Returns whether it was another one before."""
    if not await differs(tx, policy):
        return False
    await tx.execute(insert(policies).values(document=_written(policy), published_at=at))
    return True


async def differs(tx: Tx, policy: Policy) -> bool:
    """Whether ``policy`` is another one than that in force."""
    before = await tx.scalar(select(policies.c.document).where(policies.c.id == newest()))
    return bool((before or {}) != _written(policy))


def _written(policy: Policy) -> dict[str, Any]:
    return policy.model_dump(mode="json", exclude_defaults=True)
