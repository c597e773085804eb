"""``idic migrate``, ``idic router``, ``idic reconcile`` and ``idic settings``: for operators."""

from __future__ import annotations

import asyncio

import typer

from idic.server import until_stopped


def migrate() -> None:
    """Create the store's tables, or upgrade them to this version. Safe to repeat, and to run in several processes at once."""
    from idic.cli.run import operate

    asyncio.run(operate.migrate())
    typer.echo("The store is up to date.")


def router() -> None:
    """Route accepted events to enrollments, and tell Temporal which workflows to start and to wake.

    Run any number of routers: they share the customers. SIGTERM and Ctrl-C drain.
    """
    from idic.cli.run.operate import serve_router

    until_stopped(serve_router)


def reconcile() -> None:
    """Compare the store with Temporal and correct the differences; the store is right.

    Routers do this at start and regularly. Run it yourself after Temporal lost its database.
    """
    from idic.cli.run import operate

    operate.show_reconciliation(asyncio.run(operate.reconcile()))


def settings() -> None:
    """List every IDIC_* setting with its meaning and default. Secrets are shown only as set or not set."""
    from idic.cli.run.settings import show_settings

    show_settings()
