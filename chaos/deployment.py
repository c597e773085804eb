"""A whole idic of separate processes, two of each where possible, restarted by a supervisor and killed on request."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import httpx
from temporalio.client import Client

from chaos.fake_twilio import Sms, calls_of, read_taken
from chaos.mailboxes import CALLS, Call, read_calls
from chaos.ports import reserved
from idic.dev.local_stack import temporal_server
from idic.dev.mailbox import Accept, read_accepts
from idic.dev.processes import Child
from idic.journeys_folder import compile_folder
from idic.publish import publish
from idic.store.database import Store
from idic.store.upgrade import migrate

REPOSITORY = Path(__file__).resolve().parents[1]
WRITE_KEY = "wk_test"
PROOF_KEY = "what the shop and idic know"
SIGNING_KEY = "a key that only this test knows"
ACCOUNT = f"AC{'0' * 32}"
SENDER = "+4915700000000"
TWILIO_TOKEN = "what the carrier and idic know"
WORKERS = ("worker-1", "worker-2")
ROUTERS = ("router-1", "router-2")

_RESTART = 0.3
"""Seconds after which the supervisor restarts a process."""

_REVIVED = 5.0
"""Seconds after which a killed process has certainly been restarted."""
_STARTS = 60.0
"""Seconds that a process may take to start on a busy machine."""


class Deployment:
    """``ends`` counts how processes ended: (name, exit code), -9 for killed. What we did not kill should not end."""

    servers: tuple[str, ...] = ("temporal", "sink", "carrier")
    """What is there before idic, and after it."""
    unclean: tuple[str, ...] = ("temporal",)
    """What does not end with 0 when it is told to end."""
    ports_needed = 2 + 2 * len(WORKERS)
    sink_options: tuple[str, ...] = ()
    carrier_options: tuple[str, ...] = ()

    def __init__(self, folder: Path, database_url: str, ports: list[int], settings: dict[str, str], journeys: Path) -> None:
        self.folder = folder
        self.journeys = journeys
        self.database_url = database_url
        self.api_port, self.temporal_port = ports[:2]
        self.smtp_ports = ports[2 : 2 + len(WORKERS)]
        self.sms_ports = ports[2 + len(WORKERS) : 2 + 2 * len(WORKERS)]
        self.store = Store.open(database_url)
        self.kills: list[tuple[float, str]] = []
        self.ends: Counter[tuple[str, int]] = Counter()
        self._up = {name: asyncio.Event() for name in (*self.servers, "api", *ROUTERS, *WORKERS)}
        self.since = time.monotonic()
        self._settings = settings
        self.parts = {name: self._child(name, command) for name, command in self._commands().items()}
        for up in self._up.values():
            up.set()

    @property
    def api(self) -> str:
        """The API's URL."""
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def orders(self) -> Path:
        """The folder of orders to kill a worker."""
        return self.folder / "orders"

    @property
    def mails(self) -> list[Path]:
        """A folder for each worker: each has a port of the sink to itself."""
        return [self.folder / "mails" / str(port) for port in self.smtp_ports]

    def mail_calls(self) -> list[Call]:
        """Every call of a mailbox."""
        return [call for mails in self.mails for call in read_calls(mails / CALLS)]

    def sms_calls(self) -> list[Call]:
        """Every call of the fake Twilio."""
        return list(read_calls(calls_of(self.sms_file)))

    def accepts(self) -> list[Accept]:
        """Every mail that a mailbox took."""
        return [accept for mails in self.mails for accept in read_accepts(mails)]

    def sms(self) -> list[Sms]:
        """Every SMS that the fake Twilio took."""
        return list(read_taken(self.sms_file))

    @property
    def sms_file(self) -> Path:
        """The file of the fake Twilio."""
        return self.folder / "sms.ndjson"

    def _commands(self) -> dict[str, list[str]]:
        python = sys.executable
        return {
            "temporal": [*temporal_server(self.temporal_port, self.folder / "temporal.db"), "--headless"],
            "sink": [python, "-m", "chaos.mailboxes", "--dir", str(self.folder / "mails"),
                     "--orders", str(self.orders), *self.sink_options, *map(str, self.smtp_ports)],
            "carrier": [python, "-m", "chaos.fake_twilio", "--file", str(self.sms_file), "--orders", str(self.orders),
                        "--token", TWILIO_TOKEN, *self.carrier_options, *map(str, self.sms_ports)],
            "api": [python, "-m", "idic", "api", "--host", "127.0.0.1", "--port", str(self.api_port)],
            **{name: [python, "-m", "idic", "router"] for name in ROUTERS},
            **{name: [python, "-m", "worker"] for name in WORKERS},
        }  # fmt: skip

    @property
    def env(self) -> dict[str, str]:
        """The environment of every process."""
        return {
            "PYTHONPATH": os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH")))),
            "PYTHONUNBUFFERED": "1",
            "IDIC_DATABASE_URL": self.database_url,
            "IDIC_TEMPORAL_ADDRESS": f"127.0.0.1:{self.temporal_port}",
            "IDIC_PUBLIC_URL": self.api,
            "IDIC_WRITE_KEYS": WRITE_KEY,
            "IDIC_SECRET_KEYS": "sk_test",
            "IDIC_SIGNING_KEYS": SIGNING_KEY,
            "IDIC_PROOF_KEYS": PROOF_KEY,
            "IDIC_TWILIO_ACCOUNT_SID": ACCOUNT,
            "IDIC_TWILIO_AUTH_TOKEN": TWILIO_TOKEN,
            "IDIC_SMS_FROM": SENDER,
            # Short time-outs, so that what takes a minute in production takes seconds here.
            "IDIC_ROUTER_LEASE": "2",
            "IDIC_DELIVERY_TIMEOUT": "3",
            "IDIC_SMTP_TIMEOUT": "2",
            "IDIC_TWILIO_TIMEOUT": "2",
            "IDIC_TAKEOVER": "1",
            **self._settings,
        }

    def _child(self, name: str, command: list[str]) -> Child:
        env = self.env
        if name in WORKERS:
            env["IDIC_SMTP_URL"] = f"smtp://127.0.0.1:{self.smtp_ports[WORKERS.index(name)]}"
            env["IDIC_TWILIO_BASE_URL"] = f"http://127.0.0.1:{self.sms_ports[WORKERS.index(name)]}"
        return Child(name, command, env, self.folder / f"{name}.log")

    def pid(self, name: str) -> int:
        """The process id of a part that has been started."""
        process = self.parts[name].process
        assert process is not None
        return process.pid

    def kill(self, *names: str, by: signal.Signals = signal.SIGKILL) -> None:
        """Now. The supervisor starts them again."""
        for name in names:
            process = self.parts[name].process
            if process is not None and process.returncode is None:
                os.kill(process.pid, by)
                self.kills.append((time.monotonic() - self.since, name))

    def order(self, when: str) -> None:
        """Have sink or carrier kill whose message it takes next, as soon as it has it: ``before`` its answer or right
        ``after``."""
        draft = self.orders / f"{time.monotonic_ns():020d}.draft"
        draft.write_text(" ".join([when, *(str(self.pid(name)) for name in WORKERS)]))
        draft.rename(draft.with_suffix(".order"))

    def carried_out(self) -> int:
        """How many orders are carried out."""
        return len(list(self.orders.glob("*.done")))

    def withdraw_orders(self) -> None:
        """Remove the orders that are not carried out."""
        for order in self.orders.glob("*.order"):
            with contextlib.suppress(FileNotFoundError):
                order.unlink()

    @contextlib.asynccontextmanager
    async def down(self, name: str) -> AsyncIterator[None]:
        """Killed, and not started again before the block is left; then until it serves."""
        self._up[name].clear()
        process = self.parts[name].process
        assert process is not None
        self.kill(name)
        await process.wait()
        yield
        self._up[name].set()
        await until(lambda: self.parts[name].process is not process, 10, f"{name} is started again")
        await self._serves(name)

    def killed_within(self, seconds: float) -> set[str]:
        """Who was killed in the last ``seconds``."""
        return {name for at, name in self.kills if time.monotonic() - self.since - at < seconds}

    async def hush(self, names: Sequence[str]) -> None:
        """They end what they are at, and are not started again."""
        for name in names:
            self._up[name].clear()
        await asyncio.gather(*(self.parts[name].stop() for name in names))

    async def run(self, *arguments: str) -> str:
        """Run ``idic …`` beside the others and return what it said."""
        process = await self.begin(*arguments)
        said, wrong = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, f"idic {' '.join(arguments)}: {wrong.decode()}{said.decode()}"
        return said.decode().strip()

    async def begin(self, *arguments: str) -> asyncio.subprocess.Process:
        """Start ``idic …`` beside the others."""
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "idic", *arguments,
            env={**os.environ, **self.env}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def client(self) -> Client:
        """A client of its Temporal."""
        return await Client.connect(f"127.0.0.1:{self.temporal_port}")

    async def start(self) -> None:
        """Start the servers, fill the store, then start the rest."""
        self.orders.mkdir()
        for name in self.servers:
            await self.parts[name].start()
        for name in self.servers:
            await self._serves(name)
        await self._furnish()
        for name in ("api", *ROUTERS, *WORKERS):
            await self.parts[name].start()
        await self._serves("api")
        self.since = time.monotonic()

    async def _furnish(self) -> None:
        """The store as idic finds it."""
        await migrate(self.store)
        compilation = compile_folder(self.journeys)
        errors = [problem for problem in compilation.problems if problem.severity == "error"]
        assert not errors, errors
        await publish(self.store, compilation)

    async def keep_up(self, name: str) -> None:
        """What a supervisor does for one part."""
        part = self.parts[name]
        while True:
            assert part.process is not None
            self.ends[name, await part.process.wait()] += 1
            await asyncio.sleep(_RESTART)
            await self._up[name].wait()
            await part.start()

    async def stop(self) -> dict[str, int]:
        """SIGTERM to all but the servers, together; then the servers. The exit codes of those who ended by themselves."""
        codes: dict[str, int] = {}
        for names in (("api", *ROUTERS, *WORKERS), self.servers):
            await asyncio.gather(*(self.parts[name].stop() for name in names))
            codes |= {name: part.process.returncode or 0 for name in names if (part := self.parts[name]).process}
            await self.store.close()  # a database waits for its connections
        return codes

    async def _answers(self, name: str) -> bool:
        if name == "api":
            with contextlib.suppress(httpx.HTTPError):
                async with httpx.AsyncClient() as client:
                    return (await client.get(f"{self.api}/readyz")).status_code == 200
            return False
        if name == "temporal":
            with contextlib.suppress(RuntimeError):
                await self.client()
                return True
            return False
        with contextlib.suppress(OSError):
            for port in self.smtp_ports if name == "sink" else self.sms_ports:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
            return True
        return False

    async def _serves(self, name: str) -> None:
        deadline = time.monotonic() + 60
        while not await self._answers(name):
            process = self.parts[name].process
            alive = process is not None and process.returncode is None
            assert alive, f"{name} has ended:\n{self.parts[name].last_words()}"
            assert time.monotonic() < deadline, f"{name} does not serve:\n{self.parts[name].last_words()}"
            await asyncio.sleep(0.1)

    def last_words(self) -> str:
        """The last lines of every log."""
        return "\n".join(
            f"--- {name}\n" + "\n".join(line[:200] for line in part.last_words(8).splitlines())
            for name, part in self.parts.items()
        )


T = TypeVar("T", bound=Deployment)


@contextlib.asynccontextmanager
async def running(
    folder: Path, database_url: str | None = None, *, journeys: Path, site: type[T], **settings: str
) -> AsyncIterator[T]:
    """Everything up, until the block is left; on the way out everybody must drain and end with 0."""
    with reserved(site.ports_needed) as ports:
        here = site(folder, database_url or f"sqlite:///{folder / 'idic.db'}", ports, settings, journeys)
        keepers: list[asyncio.Task[None]] = []
        try:
            await here.start()
            keepers = [asyncio.create_task(here.keep_up(name)) for name in here.parts]
            yield here
        finally:
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)
            dead = here.killed_within(_REVIVED)
            codes = await here.stop()
        # A process that was killed a moment ago may not be up yet, and then ends by the signal.
        starting = here.killed_within(_STARTS)
        unclean = {
            name: code
            for name, code in codes.items()
            if code != 0
            and name not in here.unclean
            and not (code == -signal.SIGTERM and name in starting)
            and not (code == -signal.SIGKILL and name in dead)
        }
        assert not unclean, f"these did not drain: {unclean}\n{here.last_words()}"


async def until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until ``holds``, at most ``seconds``."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain until {what}"
        await asyncio.sleep(0.02)
