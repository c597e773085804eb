"""The store of a process that serves: on the clock that lives with the data, and with the schema that this version needs."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from idic.errors import SettingsError
from idic.settings import Settings
from idic.store import clock_state
from idic.store.database import Store, read_url
from idic.store.upgrade import is_current


def _must_be_there(settings: Settings) -> None:
    """SQLite would make the file, and leave it lying about."""
    url = read_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:") and not Path(url.database).is_file():
        raise SettingsError(f"there is no store {url.database}: say where it is with IDIC_DATABASE_URL, or run `idic migrate`")


@contextlib.asynccontextmanager
async def running_store(settings: Settings) -> AsyncIterator[Store]:
    """Raises ``SettingsError`` when the tables are not those of this version, ``StoreUnavailable`` when nobody answers."""
    _must_be_there(settings)
    store = Store.open(settings.database_url, pool=settings.database_pool)
    try:
        if not await is_current(store):
            raise SettingsError("the store's tables are not those of this version: run `idic migrate`")
        store.clock = await clock_state.read(store)
        yield store
    except SQLAlchemyError as error:
        raise SettingsError(f"the store cannot be used ({type(error).__name__}): check IDIC_DATABASE_URL") from error
    finally:
        await store.close()
