"""Run a server until it is stopped: settings, logs, event loop, draining."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable

from idic.logs import configure
from idic.settings import Settings, load


def until_stopped(serve: Callable[[Settings, asyncio.Event], Awaitable[None]]) -> None:
    """Run a server until SIGTERM or Ctrl-C, then let it drain. A second signal ends it at once.

    Raises ``SettingsError`` and what ``serve`` raises.
    """
    settings = load()
    configure(settings)

    async def run() -> None:
        stop = asyncio.Event()
        serving = asyncio.ensure_future(serve(settings, stop))

        def on_signal() -> None:
            if stop.is_set():
                serving.cancel()
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, on_signal)
        with contextlib.suppress(asyncio.CancelledError):
            await serving

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(run())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The faster event loop that comes with uvicorn, where this system has one."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
