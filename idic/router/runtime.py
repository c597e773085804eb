"""The house as it is set: one reading of the settings for every process, so that who claims a touch and who delivers it
mean the same account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from idic.interact.best.choose import EXPLORED
from idic.interact.policy.ask import Rules
from idic.interact.policy.rules import rules
from idic.router.accounts import ACCOUNTS, accounts
from idic.settings import Settings
from idic.store.journey.policies import Policies
from idic.store.journey.programs import Programs
from idic.store.journey.responses import Responses

WORK = "work"
"""The task queue of what is neither a decision nor a delivery."""


@dataclass(frozen=True)
class House:
    """What a process moves enrollments with: what decides by the contact policy, the provider accounts of each channel (the
    first is the one that is used, the others stand in for it), after how many real seconds of silence a delivery counts as
    dead, whether copies of all messages are kept, the programs, the policy and everybody's answers read so far, and which share
    of choices of a channel or an hour is made to learn from."""

    rules: Rules = rules
    accounts: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(ACCOUNTS))
    patience: float = 30
    keep_copies: bool = False
    programs: Programs = field(default_factory=Programs)
    policies: Policies = field(default_factory=Policies)
    responses: Responses = field(default_factory=Responses)
    explored: float = EXPLORED


def house(settings: Settings) -> House:
    """Raises ``SettingsError``."""
    return House(accounts=accounts(settings), patience=settings.delivery_timeout, keep_copies=settings.keep_copies)
