"""``idic api``: serve the HTTP API."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
from collections.abc import Generator
from typing import Annotated

import structlog
import typer
import uvicorn

from idic.errors import SettingsError
from idic.server import until_stopped
from idic.settings import Settings

DRAIN = 30
"""Real seconds that running requests get to finish after SIGTERM."""

log = structlog.get_logger()

_AT_HOME = {"127.0.0.1", "localhost", "::1"}


def api(
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on")] = 8700,
) -> None:
    """Serve the HTTP API: events, enrollments, customers, and the pages behind links in messages.

    Run any number of them behind one address. SIGTERM and Ctrl-C drain: accepted requests are answered first. For example
    `idic api --host 0.0.0.0 --port 8700`; run `idic router` and a worker beside it.
    """

    async def serve(settings: Settings, stop: asyncio.Event) -> None:
        await serve_api(settings, stop, host, port)

    until_stopped(serve)


async def serve_api(settings: Settings, stop: asyncio.Event, host: str, port: int) -> None:
    """Serve until ``stop`` is set, then finish running requests. Raises ``SettingsError``, ``StoreUnavailable``."""
    from idic.api.app import create_app
    from idic.api.console.console_pages import ConsoleSettings as ConsoleSettings
    from idic.api.ingestion import BodyLimits
    from idic.api.rates import Rates
    from idic.api.streams import Streams
    from idic.interact.tracking.links import Links
    from idic.providers.registry import webhooks
    from idic.router.enroll import enroll
    from idic.router.runtime import Runtime
    from idic.store.open import running_store

    if settings.console == "open" and host not in _AT_HOME:
        raise SettingsError(f"IDIC_CONSOLE=open would show customers to anyone who reaches {host}: set it to key or off")
    listening = _listen(host, port)
    links, runtime = Links.set_up(settings), Runtime.set_up(settings)
    async with running_store(settings) as store:
        streams = Streams(store, links)
        app = create_app(
            store,
            write_keys=[key.get_secret_value() for key in settings.write_keys],
            secret_keys=[key.get_secret_value() for key in settings.secret_keys],
            links=links,
            enroll=functools.partial(enroll, runtime),
            runtime=runtime,
            webhooks=webhooks(settings),
            limits=BodyLimits(batch=settings.max_body),
            rates=Rates(settings.rate_limit),
            proof_keys=[key.get_secret_value() for key in settings.proof_keys],
            streams=streams,
            console=ConsoleSettings(settings.console, settings.temporal_ui, settings.temporal_namespace),
        )
        server = _Server(
            uvicorn.Config(
                app,
                # uvicorn's own logs would contain paths and queries.
                log_config=None,
                access_log=False,
                server_header=False,
                ws="none",
                timeout_graceful_shutdown=DRAIN,
            )
        )
        serving = asyncio.create_task(server.serve([listening]))
        stopping = asyncio.create_task(stop.wait())
        log.info("api listens", host=host, port=port)
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        streams.close()
        server.should_exit = True
        await serving
        await streams.closed()


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise SettingsError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield
