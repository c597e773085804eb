"""The router process: route accepted events to journeys, and tell Temporal what was decided.

Any number of routers run; each serves the partitions that it holds a lease on. A partition is only a share of the work: two
routers that both believe they hold it do no harm, because routing holds the customer.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog
from temporalio.service import RPCError

from idic.errors import StoreUnavailable
from idic.logs import place
from idic.router.dispatch import dispatch
from idic.router.held_customer import HeldCustomer
from idic.router.hold import hold_customer
from idic.router.reconcile import reconcile
from idic.router.runtime import Runtime
from idic.router.sweep import Sweeper
from idic.router.temporal import TemporalWorkflows
from idic.store import leases
from idic.store.customer import events
from idic.store.database import Store
from idic.store.journey import responses
from idic.store.reports import console

log = structlog.get_logger()

_BATCH = 200
_ROUTING = (0.02, 0.1)
_DISPATCHING = (0.02, 0.25)
_SWEEPING = (0.02, 0.5)
_LEARNING = (1.0, 60.0)
"""Real seconds between two runs of a task: after it found work, and at the most while it finds none. What this router decided
itself it dispatches at once."""


class Router:
    """One router. ``lease``: real seconds for which it holds partitions without renewing. ``reconcile_every``: real seconds
    between two comparisons with Temporal; the first is made at start."""

    def __init__(
        self,
        store: Store,
        runtime: Runtime,
        workflows: TemporalWorkflows,
        *,
        lease: float = 10,
        reconcile_every: float = 300,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.store = store
        self.runtime = runtime
        self.workflows = workflows
        self.id = uuid.uuid4().hex
        self.partitions: frozenset[int] = frozenset()
        self._lease = timedelta(seconds=lease)
        self._every = reconcile_every
        self._now = now
        self._held_until = now()
        self._sweeper = Sweeper(store, runtime)
        self._decided = asyncio.Event()
        self._trouble: dict[str, tuple[int, float]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set; then finish what is under way and give the partitions back."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._steadily("lease", stop, self._renew, (self._lease.total_seconds() / 3,) * 2))
            tasks.create_task(self._steadily("route", stop, self.route, _ROUTING))
            tasks.create_task(self._steadily("dispatch", stop, self.dispatch, _DISPATCHING, self._decided))
            tasks.create_task(self._steadily("sweep", stop, self.sweep, _SWEEPING))
            tasks.create_task(self._steadily("learn", stop, self.learn, _LEARNING))
            # Tried often until it is our turn: at the start no lease is held yet, and a killed router leaves its own behind.
            turn = self._lease.total_seconds() / 3
            tasks.create_task(self._steadily("reconcile", stop, self._reconcile, (self._every, turn)))
        try:
            await self.store.move("lease", lambda tx: leases.release(tx, self.id, self._now()))
        except StoreUnavailable:
            log.warning("the leases were not given back; they end by themselves")

    async def _steadily(
        self,
        name: str,
        stop: asyncio.Event,
        work: Callable[[], Awaitable[int]],
        pause: tuple[float, float],
        hint: asyncio.Event | None = None,
    ) -> None:
        """Repeat ``work``. ``pause`` is how long to wait after it found something to do, and at the most while it finds
        nothing; a ``hint`` ends the wait. What cannot be reached is tried again, more and more slowly."""
        quick, slow = pause
        wait, trouble = quick, 0
        while not stop.is_set():
            try:
                found = await work()
                wait, trouble = (0.0 if found >= _BATCH else quick) if found else min(wait * 2 or quick, slow), 0
            except (StoreUnavailable, RPCError) as error:
                trouble += 1
                wait = min(0.1 * 2**trouble, 5)
                if trouble in (1, 5) or trouble % 60 == 0:
                    log.warning("the router waits", part=name, reason=str(error) or type(error).__name__)
            except Exception as error:
                # A bug must not stop other work. The error's text may hold the data that caused it.
                trouble += 1
                wait = min(0.5 * 2**trouble, 30)
                log.error("the router stumbled", part=name, error=type(error).__name__, at=place(error))
            await _any_of([stop] if hint is None or trouble else [stop, hint], wait)
            if hint is not None:
                hint.clear()

    async def _renew(self) -> int:
        now = self._now()
        held = await self.store.move("lease", lambda tx: leases.renew(tx, self.id, now, self._lease))
        if held != self.partitions:
            log.info("partitions", held=len(held))
        self.partitions, self._held_until = held, now + self._lease
        return 0

    def _held(self) -> frozenset[int]:
        return self.partitions if self._now() < self._held_until else frozenset()

    async def route(self) -> int:
        """Route the events that wait in our partitions. Returns for how many customers."""
        partitions = self._held()
        if not partitions:
            return 0
        async with self.store.reading() as tx:
            waiting = await events.customers_waiting(tx, partitions, _BATCH, self._resting())
        room = asyncio.Semaphore(1 if self.store.sqlite else 8)

        async def route(customer_id: str) -> None:
            async with room:
                try:
                    await hold_customer(self.store, self.runtime, "route", customer_id, _nothing_more)
                    self._trouble.pop(customer_id, None)
                except StoreUnavailable:
                    raise
                except Exception as error:
                    # One customer's error must not stop the others: this one rests, longer each time.
                    times = self._trouble.get(customer_id, (0, 0.0))[0] + 1
                    self._trouble[customer_id] = times, time.monotonic() + min(2.0**times, 300)
                    log.error("customer set aside", customer=customer_id, error=type(error).__name__, at=place(error))

        for result in await asyncio.gather(*(route(customer_id) for customer_id in waiting), return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
        if waiting:
            self._decided.set()
        return len(waiting)

    def _resting(self) -> list[str]:
        """The customers who could not be routed and are not to be tried again yet."""
        now = time.monotonic()
        return [customer_id for customer_id, (_, until) in self._trouble.items() if until > now]

    async def dispatch(self) -> int:
        """Start and wake workflows of our partitions. Returns how many entries were sent."""
        partitions = self._held()
        return await dispatch(self.store, self.runtime, self.workflows, partitions) if partitions else 0

    async def sweep(self) -> int:
        """Continue the sweeps through all customers, if that is our task. Returns how many customers were gone through."""
        # There is nothing to divide: the router that holds the first partition does it for all.
        return await self._sweeper.step() if 0 in self._held() else 0

    async def learn(self) -> int:
        """Sum up how customers answer, if that is our task. Returns how many messages were summed up."""
        if 0 not in self._held():
            return 0
        async with self.store.reading() as tx:
            if not await responses.due(tx, tx.now()):
                return 0
            zone = await console.vocabulary_zone(tx) or "UTC"
        return await self.store.move("learn", lambda tx: responses.learn(tx, zone, _BATCH))

    async def _reconcile(self) -> int:
        # The router that holds the first partition does this, too, for all.
        if 0 in self._held():
            done = await reconcile(self.store, self.runtime, self.workflows)
            if done.started or done.woken or done.ended:
                log.info("reconciled", **vars(done))
            return 1
        return 0


async def _any_of(signs: Sequence[asyncio.Event], seconds: float) -> None:
    """Wait until one of these is set, at most this long."""
    waiting = [asyncio.create_task(sign.wait()) for sign in signs]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


async def _nothing_more(_held: HeldCustomer) -> None:
    """Holding a customer routes their events; there is nothing more to do."""
