"""The published vocabulary, against which events are checked; read again after a second."""

from __future__ import annotations

import asyncio
import time

from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.store.database import Store
from idic.store.journey import programs

_FRESH = 1.0


class PublishedVocabulary:
    """Reads and caches the published vocabulary."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._vocabulary: Vocabulary | None = None
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    async def current(self) -> Vocabulary | None:
        """The vocabulary; None while none is published. Raises ``StoreUnavailable``."""
        if self._stale():
            async with self._reading:
                if self._stale():
                    async with self._store.reading() as tx:
                        document = await programs.vocabulary(tx)
                    self._vocabulary = None if document is None else Vocabulary.model_validate(document)
                    self._read_at = time.monotonic()
        return self._vocabulary

    def _stale(self) -> bool:
        return self._read_at is None or time.monotonic() - self._read_at > _FRESH
