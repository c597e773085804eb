"""``idic migrate``, ``idic router``, ``idic reconcile`` and ``idic settings``: for operators."""

from __future__ import annotations

import asyncio

import structlog
import typer

from idic.logs import configure
from idic.server import until_stopped
from idic.settings import Settings, load

log = structlog.get_logger()


def migrate() -> None:
    """Create the store's tables, or upgrade them to this version. Safe to repeat, and to run in several processes at once."""
    from idic.store.database import Store
    from idic.store.upgrade import migrate as upgrade

    async def run() -> None:
        store = Store.open(load().database_url)
        try:
            await upgrade(store)
        finally:
            await store.close()

    asyncio.run(run())
    typer.echo("The store is up to date.")


def router() -> None:
    """Route accepted events to enrollments, and tell Temporal which workflows to start and to wake.

    Run any number of routers: they share the customers. SIGTERM and Ctrl-C drain.
    """
    from idic.router.loop import Router
    from idic.router.runtime import Runtime
    from idic.router.temporal import TemporalWorkflows, connect, searchable
    from idic.store.open import running_store

    async def serve(settings: Settings, stop: asyncio.Event) -> None:
        async with running_store(settings) as store:
            client = await connect(settings)
            engine = TemporalWorkflows(client, searchable=await searchable(client))
            runtime = Runtime.set_up(settings)
            router = Router(store, runtime, engine, lease=settings.router_lease, reconcile_every=settings.reconcile_every)
            log.info("router ready", temporal=settings.temporal_address)
            await router.run(stop)

    until_stopped(serve)


def reconcile() -> None:
    """Compare the store with Temporal and correct the differences; the store is right.

    Routers do this at start and regularly. Run it yourself after Temporal lost its database.
    """
    from rich.console import Console

    from idic.router.reconcile import Reconciliation
    from idic.router.reconcile import reconcile as compare
    from idic.router.runtime import Runtime
    from idic.router.temporal import TemporalWorkflows, connect, searchable
    from idic.store.open import running_store

    async def run() -> Reconciliation:
        settings = load()
        configure(settings)
        async with running_store(settings) as store:
            client = await connect(settings)
            engine = TemporalWorkflows(client, searchable=await searchable(client))
            with Console(stderr=True).status("comparing…") as status:
                return await compare(
                    store,
                    Runtime.set_up(settings),
                    engine,
                    progress=lambda found: status.update(f"{found.open} open enrollments, {found.started} started"),
                )

    found = asyncio.run(run())
    typer.echo(
        f"{found.open} open enrollments: {found.started} started in Temporal, {found.woken} overdue woken; "
        f"{found.ended} ended ones woken to stop, {found.cancelled} cancelled."
    )


def settings() -> None:
    """List every IDIC_* setting with its meaning and default. Secrets are shown only as set or not set."""
    from rich.console import Console
    from rich.table import Table

    now = load()
    table = Table("setting", "is", "meaning", box=None)
    for name, field in Settings.model_fields.items():
        value = getattr(now, name)
        secret = "Secret" in str(field.annotation) or name in ("write_keys", "secret_keys", "signing_keys")
        shown = ("set" if value else "not set") if secret else _shown(name, value)
        table.add_row(f"IDIC_{name.upper()}", shown, field.description or "")
    Console().print(table)


def _shown(name: str, value: object) -> str:
    if name == "database_url":
        from idic.store.database import read_url

        return read_url(str(value)).render_as_string(hide_password=True)
    return "not set" if value is None else str(value)
