"""Open the store for a server process, with the stored clock and a current schema."""

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


def _check_exists(settings: Settings) -> None:
    """SQLite would create a missing file, and leave it there."""
    url = read_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:") and not Path(url.database).is_file():
        raise SettingsError(
            f"there is no store {url.database}: give idic dev's folder with --data .idic/dev, set IDIC_DATABASE_URL, or create "
            "a store with `idic migrate`"
        )


@contextlib.asynccontextmanager
async def running_store(settings: Settings) -> AsyncIterator[Store]:
    """Open the store, and close it in the end.

    Raises ``SettingsError`` when the tables are not those of this version, ``StoreUnavailable`` when the database does not
    answer.
    """
    _check_exists(settings)
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
