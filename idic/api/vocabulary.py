"""The published vocabulary, which events are held against; read again when it is a second old."""

from __future__ import annotations

import asyncio
import time

from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.store.database import Store
from idic.store.journey import programs

_FRESH = 1.0


class PublishedVocabulary:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._vocabulary: Vocabulary | None = None
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    async def current(self) -> Vocabulary | None:
        """None while nothing is published. Raises ``StoreUnavailable``."""
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
