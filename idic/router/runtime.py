"""What a process moves enrollments with, set up once from its settings.

All processes read the same settings, so that the process that claims a touch and the one that delivers it mean the same
provider account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from idic.interact.best.pick import EXPLORED
from idic.interact.policy.decide import Rules
from idic.interact.policy.rules import rules
from idic.providers.registry import accounts, fallback_accounts
from idic.settings import Settings
from idic.store.journey.policies import Policies
from idic.store.journey.programs import Programs
from idic.store.journey.responses import Responses

WORK = "work"
"""The task queue of what is neither a decision nor a delivery."""


@dataclass(frozen=True)
class Runtime:
    """What a process moves enrollments with: settings, and what it has read from the store so far.

    ``rules`` are the contact policy's. ``accounts`` are the provider accounts of each channel: the first is used, the others
    stand in for it. ``patience`` is after how many real seconds of silence a delivery counts as dead. ``keep_copies``: keep a
    copy of every message. ``programs``, ``policies`` and ``responses`` cache the store. ``explored`` is the share of choices
    of a channel or an hour that is made at random, to learn from.
    """

    rules: Rules = rules
    accounts: Mapping[str, tuple[str, ...]] = field(default_factory=fallback_accounts)
    patience: float = 30
    keep_copies: bool = False
    programs: Programs = field(default_factory=Programs)
    policies: Policies = field(default_factory=Policies)
    responses: Responses = field(default_factory=Responses)
    explored: float = EXPLORED

    @classmethod
    def set_up(cls, settings: Settings) -> Runtime:
        """The runtime that the settings describe. Raises ``SettingsError``."""
        return cls(accounts=accounts(settings), patience=settings.delivery_timeout, keep_copies=settings.keep_copies)
