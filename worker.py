"""A worker: the composition root. Settings become a store and channels; these become Temporal workers.

python worker.py        reads IDIC_* from the environment; SIGTERM and Ctrl-C drain
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from pydantic import SecretStr
from temporalio.client import Client
from temporalio.worker import Interceptor, UnsandboxedWorkflowRunner, Worker, WorkflowRunner

from activities.advance import Advance
from activities.call import CallEndpoint
from activities.deliver import Deliver
from idic.errors import IdicError, SettingsError
from idic.interact.channels.channel_edge import Courier, CourierParts, Remember
from idic.interact.channels.edges import EDGES
from idic.interact.channels.mime import AddressInvalid, read_address
from idic.interact.endpoints import Caller, missing_secrets
from idic.interact.tracking.links import Links
from idic.journey.channels import CHANNELS
from idic.providers.registry import PROVIDERS, accounts, names_of, open_sender, rates
from idic.router.runtime import WORK, Runtime
from idic.router.temporal import QUEUE, connect
from idic.server import until_stopped
from idic.settings import Settings, described, endpoint_secrets
from idic.store.database import Store
from idic.store.enrollment import short_links
from idic.store.open import running_store
from workflows.enrollment import Enrollment

log = structlog.get_logger()


def couriers(settings: Settings, remember: Remember) -> list[Courier]:
    """A courier for each provider account that the settings name. Raises ``SettingsError``."""
    for variable, address in (("IDIC_EMAIL_FROM", settings.email_from), ("IDIC_EMAIL_REPLY_TO", settings.email_reply_to)):
        try:
            if address is not None:
                read_address(address)
        except AddressInvalid as error:
            raise SettingsError(f"{variable} is not an address: {error}") from None
    links = Links.set_up(settings)
    carriers: list[Courier] = []
    for channel, names in accounts(settings).items():
        for name in names:
            parts = CourierParts(links, remember, PROVIDERS[name].sends_as(settings), settings.email_reply_to)
            carriers.append(EDGES[channel].courier(open_sender(name, settings), parts))
    return carriers


@contextlib.asynccontextmanager
async def working(
    client: Client,
    store: Store,
    runtime: Runtime,
    carriers: Sequence[Courier],
    *,
    caller: Caller | None = None,
    deliveries: int = 50,
    rates: Mapping[str, float] = {},
    runner: WorkflowRunner | None = None,
    takeover: timedelta = timedelta(seconds=5),
    drain: timedelta = timedelta(seconds=30),
    interceptors: Sequence[Interceptor] = (),
) -> AsyncIterator[None]:
    """Run Temporal workers on every queue until the block is left; then work under way is finished within ``drain``.

    ``caller`` makes the calls, and is closed; by default it has no secrets and reaches the public internet only. ``rates`` are
    how many messages a second Temporal's server hands out of an account's queue, to all workers together. If a worker does
    not fetch a task of a workflow that it has in memory within ``takeover``, any other worker may.

    Workflows run unsandboxed: the driver is one small frozen file, which the tests run sandboxed and replay.
    """
    advance = Advance(store, runtime)
    deliver = Deliver(store, runtime, {courier.account: courier for courier in carriers})
    calling = CallEndpoint(store, runtime, caller or Caller())
    queues = _queues([courier.account for courier in carriers])
    workers = [
        Worker(
            client,
            task_queue=QUEUE,
            workflows=[Enrollment],
            activities=[advance.advance],
            workflow_runner=runner or UnsandboxedWorkflowRunner(),
            sticky_queue_schedule_to_start_timeout=takeover,
            interceptors=interceptors,
            graceful_shutdown_timeout=drain,
        ),
        *(
            Worker(
                client,
                task_queue=f"deliver-{queue}",
                activities=[deliver.deliver],
                max_concurrent_activities=deliveries,
                max_task_queue_activities_per_second=rates.get(account),
                interceptors=interceptors,
                graceful_shutdown_timeout=drain,
            )
            for queue, account in sorted(queues.items())
        ),
        Worker(
            client,
            task_queue=WORK,
            activities=[calling.call],
            max_concurrent_activities=deliveries,
            interceptors=interceptors,
            graceful_shutdown_timeout=drain,
        ),
    ]
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(calling.caller.close)
        for worker in workers:
            await stack.enter_async_context(worker)
        yield


def _queues(accounts: Sequence[str]) -> dict[str, str]:
    """The queues to take deliveries from, each with the account by which they most likely leave: a touch on its way to an
    account that is no longer set leaves by another account of its channel."""
    queues: dict[str, str] = {}
    for providers in map(names_of, CHANNELS):
        if used := [account for account in accounts if account in providers]:
            queues |= dict.fromkeys(providers, used[0])
    return queues | {account: account for account in accounts}


async def work(settings: Settings, stop: asyncio.Event) -> None:
    """Work until ``stop`` is set, then finish work under way. Raises ``SettingsError``, ``StoreUnavailable``."""

    async def remember(touch: str, links: Mapping[str, str]) -> bool:
        return await store.move("short links", lambda tx: short_links.keep(tx, touch, links, tx.now()))

    # Wrong settings are reported before anything is opened.
    runtime, carriers, limits = Runtime.set_up(settings), couriers(settings, remember), rates(settings)
    secrets = endpoint_secrets(os.environ)
    warn_of_links(settings)
    caller = Caller(secrets, settings.call_private)
    async with running_store(settings) as store:
        client = await connect(settings)
        await warn_of_missing(store, runtime, secrets)
        takeover = timedelta(seconds=settings.takeover)
        options: dict[str, Any] = {"deliveries": settings.deliveries, "rates": limits, "takeover": takeover}
        async with working(client, store, runtime, carriers, caller=caller, **options):
            log.info("worker ready", temporal=settings.temporal_address)
            await stop.wait()
            log.info("worker drains")


def warn_of_links(settings: Settings) -> None:
    """Warn where mail programs will not offer to unsubscribe with one click: they do so over https only (RFC 8058, 3.1)."""
    here = urlsplit(settings.public_url)
    if here.scheme == "http" and here.hostname not in ("localhost", "127.0.0.1", "::1"):
        log.warning("mail programs offer to unsubscribe with one click over https alone: IDIC_PUBLIC_URL is http")


async def warn_of_missing(store: Store, runtime: Runtime, secrets: Mapping[str, SecretStr]) -> None:
    """Warn of published journeys whose calls will fail for want of a secret."""
    with contextlib.suppress(IdicError):  # no reason not to work
        async with store.reading() as tx:
            for published in await runtime.programs.published(tx):
                if missing := missing_secrets(published.program, secrets):
                    log.warning(
                        "a journey calls an endpoint whose secret is not set", journey=published.program.journey, set=missing
                    )


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.stdout.write(f"{__doc__}\n" + "".join(f"    {v:28} {m}{f' [{d}]' if d else ''}\n" for v, d, m in described()))
        sys.exit(0 if sys.argv[1:] in (["--help"], ["-h"]) else "worker: takes no arguments")
    try:
        until_stopped(work)
    except IdicError as error:
        sys.exit(f"worker: {error}")
