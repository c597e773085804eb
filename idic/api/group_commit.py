"""Group commit: messages that arrive during one commit are committed together in the next.

A commit costs the same for one message as for a thousand. A request is answered only when its messages are committed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from idic.errors import StoreUnavailable
from idic.identify.messages import IncomingMessage
from idic.store.customer.ingest import accept
from idic.store.database import Store

MOST = 1000
"""The most messages in one transaction, unless one request alone has more: a larger transaction locks customers' rows for
longer."""


class _Waiting(NamedTuple):
    messages: Sequence[IncomingMessage]
    kept: asyncio.Future[Sequence[IncomingMessage]]


class GroupCommit:
    """Collects messages of concurrent requests into common transactions."""

    def __init__(self, store: Store, most: int = MOST) -> None:
        self._store = store
        self._most = most
        self._waiting: deque[_Waiting] = deque()
        self._committer: asyncio.Task[None] | None = None

    async def keep(self, messages: Sequence[IncomingMessage]) -> Sequence[IncomingMessage]:
        """Wait until these messages are committed. Returns the aliases that were ignored, possibly also those of other
        requests.

        Raises ``StoreUnavailable``; the messages may then be sent again.
        """
        kept: asyncio.Future[Sequence[IncomingMessage]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(messages, kept))
        if self._committer is None or self._committer.done():
            self._committer = asyncio.create_task(self._commit_all())
        return await kept

    async def _commit_all(self) -> None:
        while self._waiting:
            group = self._next_group()
            try:
                await self._commit(group)
            except Exception as error:
                if len(group) == 1 or isinstance(error, StoreUnavailable):
                    _settle(group, error)
                    continue
                # One message can't be stored; that is no reason to refuse the others.
                for one in group:
                    try:
                        await self._commit([one])
                    except Exception as its_own:
                        _settle([one], its_own)

    def _next_group(self) -> list[_Waiting]:
        group = [self._waiting.popleft()]
        count = len(group[0].messages)
        while self._waiting and count + len(self._waiting[0].messages) <= self._most:
            group.append(self._waiting.popleft())
            count += len(group[-1].messages)
        return group

    async def _commit(self, group: Sequence[_Waiting]) -> None:
        messages = [message for waiting in group for message in waiting.messages]
        _settle(group, await self._store.move("accept", lambda tx: accept(tx, messages)))


def _settle(group: Sequence[_Waiting], outcome: Sequence[IncomingMessage] | Exception) -> None:
    for waiting in group:
        if waiting.kept.done():  # the client is gone
            continue
        if isinstance(outcome, Exception):
            waiting.kept.set_exception(outcome)
        else:
            waiting.kept.set_result(outcome)
