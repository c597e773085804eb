"""Upgrade the store, run a router, and reconcile with Temporal."""

from __future__ import annotations

import asyncio

import structlog
import typer
from rich.console import Console

from idic.logs import configure
from idic.router.loop import Router
from idic.router.reconcile import Reconciliation
from idic.router.reconcile import reconcile as compare
from idic.router.runtime import Runtime
from idic.router.temporal import TemporalWorkflows, connect, searchable
from idic.settings import Settings, load
from idic.store.database import Store
from idic.store.open import running_store
from idic.store.upgrade import migrate as upgrade

log = structlog.get_logger()


async def migrate() -> None:
    """Create the store's tables, or upgrade them to this version."""
    store = Store.open(load().database_url)
    try:
        await upgrade(store)
    finally:
        await store.close()


async def serve_router(settings: Settings, stop: asyncio.Event) -> None:
    """Route events until ``stop`` is set. Raises ``StoreUnavailable``."""
    async with running_store(settings) as store:
        client = await connect(settings)
        workflows = TemporalWorkflows(client, searchable=await searchable(client))
        runtime = Runtime.set_up(settings)
        router = Router(store, runtime, workflows, lease=settings.router_lease, reconcile_every=settings.reconcile_every)
        log.info("router ready", temporal=settings.temporal_address)
        await router.run(stop)


async def reconcile() -> Reconciliation:
    """Compare the store with Temporal, correct the differences, and show progress."""
    settings = load()
    configure(settings)
    async with running_store(settings) as store:
        client = await connect(settings)
        workflows = TemporalWorkflows(client, searchable=await searchable(client))
        with Console(stderr=True).status("comparing…") as status:
            return await compare(
                store,
                Runtime.set_up(settings),
                workflows,
                progress=lambda so_far: status.update(f"{so_far.open} open enrollments, {so_far.started} started"),
            )


def show_reconciliation(result: Reconciliation) -> None:
    """Print what a reconciliation found and corrected."""
    typer.echo(
        f"{result.open} open enrollments: {result.started} started in Temporal, {result.woken} overdue woken; "
        f"{result.ended} ended ones woken to stop, {result.cancelled} cancelled."
    )
