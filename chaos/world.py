"""The chaos tests' idic: its processes and database are killed and restarted, fake providers fail at random, and a day
lasts seconds."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from datetime import timedelta
from pathlib import Path

from chaos import fake_sendgrid, postgres
from chaos.deployment import REPOSITORY, Deployment
from chaos.fake_twilio import calls_of
from chaos.limits import policy_of
from chaos.mailboxes import Call, read_calls
from chaos.sliding_windows import Limit
from idic.clock import Clock
from idic.journey.contact_policy.contact_policy import Policy
from idic.journeys_folder import compile_folder
from idic.providers.sendgrid.webhook import WEBHOOK_PATH
from idic.publish import publish
from idic.store import clock_state
from idic.store.journey import policies
from idic.store.upgrade import migrate

JOURNEYS = REPOSITORY / "journeys"
GRID_KEY = 7
DAY = timedelta(days=1)
PRESSING = ("email", "sms")
GAP = timedelta(hours=1)
CAPS = (
    Limit(3, 7 * DAY, channels=PRESSING),
    Limit(1, DAY, channels=("sms",)),
    Limit(4, 14 * DAY, topic="news"),
    Limit(1, GAP * 6, channels=("email",), topic="cart_reminders"),
)
LIMITS = (*CAPS, Limit(1, GAP, channels=PRESSING))
"""All that the policy of the chaos caps, its minimum gap among it."""


class ChaosWorld(Deployment):
    """On SQLite unless it is told to be ``OnPostgres``. ``day`` is how many real seconds a day of idic's takes."""

    servers: tuple[str, ...] = ("temporal", "sink", "grid", "carrier")
    unclean = ("temporal", "database")
    ports_needed = Deployment.ports_needed + 2
    sink_options = ("--moods", "0.2")
    day: float = 10

    def __init__(self, folder: Path, database_url: str, ports: list[int], settings: dict[str, str], journeys: Path) -> None:
        self.grid_port, self.database_port = ports[-2:]
        moods = {
            "IDIC_SENDGRID_API_KEY": "SG.chaos",
            "IDIC_SENDGRID_BASE_URL": f"http://127.0.0.1:{self.grid_port}",
            "IDIC_SENDGRID_WEBHOOK_KEY": fake_sendgrid.public_key(GRID_KEY),
            "IDIC_SENDGRID_TIMEOUT": "2",
            "IDIC_KEEP_COPIES": "true",
            "IDIC_RECONCILE_EVERY": "10",
            "IDIC_LOG_LEVEL": "warning",
        }
        self.clock = Clock()
        self.published: list[str] = []
        super().__init__(folder, database_url, ports, {**moods, **settings}, journeys)

    @property
    def grid_file(self) -> Path:
        """The file of the fake SendGrid."""
        return self.folder / "grid.ndjson"

    def calls(self) -> list[tuple[str, Call]]:
        """Every call of a provider, by channel."""
        mails = [*self.mail_calls(), *read_calls(calls_of(self.grid_file))]
        return [*(("email", call) for call in mails), *(("sms", call) for call in self.sms_calls())]

    def broken_outside(self) -> list[str]:
        """What stands in for the world outside may be in a mood, and must not be wrong."""
        return [f"{name}: {self.parts[name].last_words(1)}" for name in ("sink", "carrier", "grid") if self._raised(name)]

    def _raised(self, name: str) -> bool:
        return "Traceback" in self.parts[name].log.read_text(errors="replace")

    def _commands(self) -> dict[str, list[str]]:
        reports = f"{self.api}{WEBHOOK_PATH}"
        standing_in = [sys.executable, "-m", "chaos.fake_sendgrid", "--file", str(self.grid_file), "--reports", reports,
                       "--key", str(GRID_KEY), "--moods", "0.2", str(self.grid_port)]  # fmt: skip
        return {**super()._commands(), "grid": standing_in}

    async def _answers(self, name: str) -> bool:
        return await _connects(self.grid_port) if name == "grid" else await super()._answers(name)

    async def _furnish(self) -> None:
        await migrate(self.store)
        self.clock = self.store.clock = await clock_state.resume(self.store, DAY.total_seconds() / self.day)
        compilation = compile_folder(self.journeys)
        errors = [problem for problem in compilation.problems if problem.severity == "error"]
        assert not errors, errors
        await publish(self.store, compilation)
        self.published = sorted(compilation.programs)
        assert compilation.policy is not None
        policy = in_force(compilation.policy)
        await self.store.move("policy", lambda tx: policies.publish(tx, policy, tx.now()))


def in_force(shops: Policy) -> Policy:
    """The shop's policy with the caps of the chaos, and none of what lets a message escape them."""
    ours = policy_of(CAPS)
    gap = policy_of((), GAP).minimum_gap
    assert gap is not None
    gap = gap.model_copy(update={"channels": PRESSING})
    return shops.model_copy(update={"caps": ours.caps, "minimum_gap": gap, "conversation": None})


class OnPostgres(ChaosWorld):
    """The same on a PostgreSQL, which is killed as well."""

    servers = ("database", *ChaosWorld.servers)

    def __init__(self, folder: Path, database_url: str, ports: list[int], settings: dict[str, str], journeys: Path) -> None:
        super().__init__(folder, postgres.url_of(ports[-1]), ports, settings, journeys)

    def _commands(self) -> dict[str, list[str]]:
        serve = [sys.executable, "-m", "chaos.postgres", str(self.folder / "pg"), str(self.database_port)]
        return {"database": serve, **super()._commands()}

    async def _answers(self, name: str) -> bool:
        return await postgres.answers(self.database_port) if name == "database" else await super()._answers(name)


async def _connects(port: int) -> bool:
    with contextlib.suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        return True
    return False
