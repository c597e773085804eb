"""Read and publish the contact policy."""

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
    """This version of idic cannot read the published policy, so it may send nothing. Retrying helps, where another worker
    has a newer version."""

    code = "policy_unreadable"


class Policies:
    """A cache of the policy that this process read last. A published policy holds at once: callers name the newest number."""

    def __init__(self) -> None:
        self._read: tuple[int | None, Policy] = (None, Policy())

    async def get(self, tx: Tx, number: int | None) -> Policy:
        """The policy of this number, or the default policy for None. Raises ``PolicyUnreadable``."""
        cached, policy = self._read
        if number == cached:
            return policy
        policy = Policy() if number is None else await _fetch(tx, number)
        self._read = number, policy
        return policy

    async def current(self, tx: Tx) -> Policy:
        """The policy in force. Raises ``PolicyUnreadable``."""
        return await self.get(tx, await tx.scalar(select(newest())))


def newest() -> ScalarSelect[int | None]:
    """A subquery for the number of the policy in force, for use in other statements."""
    return select(func.max(policies.c.id)).scalar_subquery()


async def _fetch(tx: Tx, number: int) -> Policy:
    document = await tx.scalar(select(policies.c.document).where(policies.c.id == number))
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        raise PolicyUnreadable("the contact policy was written by a version of idic that this one cannot read") from error


async def publish(tx: Tx, policy: Policy, at: datetime) -> bool:
    """Publish ``policy``. Returns whether it differs from the one before."""
    if not await differs(tx, policy):
        return False
    await tx.execute(insert(policies).values(document=_as_json(policy), published_at=at))
    return True


async def differs(tx: Tx, policy: Policy) -> bool:
    """Whether ``policy`` differs from the policy in force."""
    before = await tx.scalar(select(policies.c.document).where(policies.c.id == newest()))
    return bool((before or {}) != _as_json(policy))


def _as_json(policy: Policy) -> dict[str, Any]:
    return policy.model_dump(mode="json", exclude_defaults=True)
