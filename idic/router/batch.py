"""Do something to many enrollments, each in its own transaction: it can be stopped after any, and run again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

import structlog

from idic.errors import IdicError, NotFound, StoreUnavailable
from idic.router.held_customer import HeldCustomer
from idic.router.hold import hold_customer
from idic.router.runtime import Runtime
from idic.store.database import Store, Tx
from idic.store.enrollment import enrollments
from idic.store.enrollment.enrollments import Enrollment

log = structlog.get_logger()


class BatchItem(NamedTuple):
    """An enrollment of a page. Where it is not ``wanted``, it is passed over."""

    id: str
    wanted: bool = True


Page = Callable[[Tx, str, int], Awaitable[Sequence[BatchItem]]]
"""The enrollments after an id: at most so many, in the order of their ids."""
Work = Callable[[HeldCustomer, Enrollment], Awaitable[str]]
"""The work on one enrollment whose customer is held. Returns in a word what became of it."""

AGAIN = "again"
"""The word for an enrollment that cannot be worked on now: try it again later."""
FAILED = "failed"
"""The word for an enrollment that could not be read; its log line says why."""
_PAGE = 500
_AT_ONCE = 8


def these(ids: Sequence[str]) -> Page:
    """A page function over these enrollments."""

    async def page(_tx: Tx, after: str, limit: int) -> list[BatchItem]:
        return items(id_ for id_ in sorted(ids) if id_ > after)[:limit]

    return page


def items(ids: Iterable[str]) -> list[BatchItem]:
    """A page of these enrollments, all of them wanted."""
    return [BatchItem(id_) for id_ in ids]


async def for_each_enrollment(
    store: Store,
    runtime: Runtime,
    purpose: str,
    page: Page,
    work: Work,
    *,
    stop: asyncio.Event | None = None,
    progress: Callable[[str], None] = lambda word: None,
) -> tuple[Counter[str], list[str]]:
    """Do ``work`` on every enrollment that ``page`` yields, until ``stop`` is set; work under way is then finished.

    ``progress`` is called with the word of each. Returns how often each word was returned, and the ids of those for which it
    was ``AGAIN``. Raises ``StoreUnavailable``; what was done stays done.
    """
    counted: Counter[str] = Counter()
    again: list[str] = []
    room = asyncio.Semaphore(1 if store.sqlite else _AT_ONCE)

    async def do(enrollment_id: str) -> None:
        async with room:
            if stop is not None and stop.is_set():
                return
            word = await _once(store, runtime, purpose, enrollment_id, work)
            counted[word] += 1
            if word == AGAIN:
                again.append(enrollment_id)
            progress(word)

    after = ""
    while stop is None or not stop.is_set():
        async with store.reading() as tx:
            batch = await page(tx, after, _PAGE)
        if not batch:
            break
        for result in await asyncio.gather(*(do(item.id) for item in batch if item.wanted), return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
        after = batch[-1].id
    return counted, again


async def _once(store: Store, runtime: Runtime, purpose: str, enrollment_id: str, work: Work) -> str:
    async def work_held(held: HeldCustomer) -> str:
        return await work(held, await enrollments.get(held.tx, enrollment_id))

    try:
        return await hold_customer(store, runtime, purpose, enrollments.customer_of(enrollment_id), work_held)
    except (StoreUnavailable, NotFound):
        raise
    except IdicError as error:
        log.warning("an enrollment was left as it is", enrollment=enrollment_id, why=error.code)
        return FAILED
