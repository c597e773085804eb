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

import structlog
from pydantic import SecretStr
from temporalio.client import Client
from temporalio.worker import Interceptor, UnsandboxedWorkflowRunner, Worker, WorkflowRunner

from activities.advance import Advance
from activities.call import Calling
from activities.courier import Courier, EmailCourier, Remember, SmsCourier, WebCourier
from activities.deliver import Deliver
from idic.errors import IdicError, SettingsError
from idic.interact.channels.message import AddressInvalid, read_address
from idic.interact.channels.outbox import OutboxChannel
from idic.interact.channels.protocol import SmsChannel
from idic.interact.channels.smtp import Limits, SmtpChannel
from idic.interact.channels.twilio import TwilioChannel
from idic.interact.endpoints import Caller, missing_secrets
from idic.interact.links import Links
from idic.router.engine import QUEUE, connect
from idic.router.house import SMS_ACCOUNTS, WORK, House, house, twilio_account
from idic.serving import until_stopped
from idic.settings import Settings, described, endpoint_secrets
from idic.store import short_links
from idic.store.database import Store
from idic.store.running import running_store
from workflows.enrollment import Enrollment

log = structlog.get_logger()


def couriers(settings: Settings, remember: Remember) -> list[Courier]:
    """One for each provider account that the settings name. Raises ``SettingsError``."""
    if settings.smtp_url is None:
        raise SettingsError("IDIC_SMTP_URL says where mail goes, such as smtp://localhost:1025")
    for variable, address in (("IDIC_EMAIL_FROM", settings.email_from), ("IDIC_EMAIL_REPLY_TO", settings.email_reply_to)):
        try:
            if address is not None:
                read_address(address)
        except AddressInvalid as error:
            raise SettingsError(f"{variable} is not an address: {error}") from None
    links = Links.set_up(settings)
    limits = Limits(total=settings.smtp_timeout)
    mail = SmtpChannel(settings.smtp_url.get_secret_value(), limits=limits)
    sms: SmsChannel = OutboxChannel()
    if account := twilio_account(settings):
        sms = TwilioChannel(account, settings.public_url, timeout=settings.twilio_timeout, connections=settings.deliveries)
    return [
        EmailCourier(mail, links, settings.email_from, settings.email_reply_to),
        SmsCourier(sms, links, settings.sms_from or "", remember),
        WebCourier(links),
    ]


@contextlib.asynccontextmanager
async def working(
    client: Client,
    store: Store,
    house: House,
    carriers: Sequence[Courier],
    *,
    caller: Caller | None = None,
    deliveries: int = 50,
    runner: WorkflowRunner | None = None,
    takeover: timedelta = timedelta(seconds=5),
    drain: timedelta = timedelta(seconds=30),
    interceptors: Sequence[Interceptor] = (),
) -> AsyncIterator[None]:
    """Temporal workers on every queue, until the block is left; then what is under way is finished within ``drain``.
    ``caller`` makes the calls, and is closed; by default one without secrets, who reaches the public internet alone.
    After ``takeover`` in which a worker does not fetch what concerns a workflow that it has in memory, any other may.

    Workflows run unsandboxed: the driver is one small frozen file, which the tests run sandboxed and replay.
    """
    advance = Advance(store, house)
    deliver = Deliver(store, house, {courier.account: courier for courier in carriers})
    calling = Calling(store, house, caller or Caller())
    accounts = {courier.account for courier in carriers}
    if accounts & SMS_ACCOUNTS:
        accounts |= SMS_ACCOUNTS  # what was on its way to the one that is set no more goes by the one that is
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
                task_queue=f"deliver-{account}",
                activities=[deliver.deliver],
                max_concurrent_activities=deliveries,
                interceptors=interceptors,
                graceful_shutdown_timeout=drain,
            )
            for account in sorted(accounts)
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


async def work(settings: Settings, stop: asyncio.Event) -> None:
    """Work until ``stop`` is set, then finish what is under way. Raises ``SettingsError``, ``StoreUnavailable``."""

    async def remember(touch: str, links: Mapping[str, str]) -> bool:
        return await store.move("short links", lambda tx: short_links.keep(tx, touch, links, tx.now()))

    # What is set wrong is said before anything is opened.
    moved_by, carriers = house(settings), couriers(settings, remember)
    secrets = endpoint_secrets(os.environ)
    caller = Caller(secrets, settings.call_private)
    async with running_store(settings) as store:
        client = await connect(settings)
        await warn_of_missing(store, moved_by, secrets)
        takeover = timedelta(seconds=settings.takeover)
        at_once = settings.deliveries
        async with working(client, store, moved_by, carriers, caller=caller, deliveries=at_once, takeover=takeover):
            log.info("worker ready", temporal=settings.temporal_address)
            await stop.wait()
            log.info("worker drains")


async def warn_of_missing(store: Store, house: House, secrets: Mapping[str, SecretStr]) -> None:
    """Say which published journeys will call in vain."""
    with contextlib.suppress(IdicError):  # no reason not to work
        async with store.reading() as tx:
            for published in await house.programs.published(tx):
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
