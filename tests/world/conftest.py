"""The real outside world: published clients, a real browser, and a mock made from Twilio's specification.

If Node, its packages or Chromium are missing, a test isn't skipped silently: the run names the test and what to install at
its end, and fails. ``WORLD=partial`` makes it succeed.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import NoReturn

import httpx
import pytest

HERE = Path(__file__).parent
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

Mock = Callable[[Path], str]
"""Given an OpenAPI document, the base URL of a Prism that answers as it says."""


class Missing(pytest.skip.Exception):
    """What a test needs is not installed."""


def missing(what: str, install: str) -> NoReturn:
    raise Missing(f"{what} is missing; {install}")


@pytest.fixture(scope="session")
def node() -> str:
    """The path of Node."""
    return shutil.which("node") or missing("Node", "install it: apt-get install nodejs npm")


@pytest.fixture(scope="session")
def node_modules(node: str) -> Path:
    """The folder of the packages of ``package.json``, as it asks for them today."""
    stamp = HERE / "node_modules" / ".ready"
    if not stamp.exists() or stamp.stat().st_mtime < (HERE / "package.json").stat().st_mtime:
        missing("a package of tests/world/package.json", "make tests/world/node_modules/.ready")
    return stamp.parent


@pytest.fixture
async def chromium() -> AsyncIterator[object]:
    """A browser of the test's own (``playwright.async_api.Browser``), without pages, profile or history."""
    path = next(filter(None, map(shutil.which, CHROMIUMS)), None) or missing("Chromium", "install it: apt-get install chromium")
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def prism(node: str, node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mock]:
    """Start Prism on a specification, once a session, and wait until it answers."""
    running: dict[Path, tuple[subprocess.Popen[bytes], str]] = {}

    def mock(specification: Path) -> str:
        if specification not in running:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            command = [node, node_modules / ".bin" / "prism", "mock", "-h", "127.0.0.1", "-p", str(port), specification]
            said = tmp_path_factory.mktemp("prism") / "log"
            with said.open("wb") as log:
                process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
            running[specification] = process, f"http://127.0.0.1:{port}"
            _wait_for(process, port, said)
        return running[specification][1]

    yield mock
    for process, _ in running.values():
        process.terminate()
    for process, _ in running.values():
        process.wait(20)


def _wait_for(process: subprocess.Popen[bytes], port: int, said: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/", timeout=10)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"Prism does not answer: {said.read_text()[-2000:]}")


# Nothing is passed over in silence.


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.world)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, Missing):
        report.user_properties.append((Missing.__name__, str(call.excinfo.value)))
    return report


def _not_run(config: pytest.Config) -> list[str]:
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    skipped = terminal.stats.get("skipped", []) if terminal else []
    return [f"{it.nodeid}: {why}" for it in skipped for name, why in it.user_properties if name == Missing.__name__]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if found := _not_run(config):
        terminalreporter.section("not run, for something is missing here", red=True, bold=True)
        for line in found:
            terminalreporter.line(line)
        terminalreporter.line(f"{len(found)} not run. To be content with the others: WORLD=partial make test-world")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if _not_run(session.config) and exitstatus == pytest.ExitCode.OK and os.environ.get("WORLD") != "partial":
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
