"""``idic suppressions``: addresses that idic never writes to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from idic.cli.run.data_folder import Data, interruptible, settings_for

if TYPE_CHECKING:
    from idic.store.database import Tx

T = TypeVar("T")

app = typer.Typer(
    help="Addresses that idic never writes to: dead addresses, and those of people who complained or want "
    "nothing more. Only salted digests are stored: you can look one up, but not list them.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
Address = Annotated[str, typer.Argument(help="An email address, or a phone number with its country code")]


@app.command()
def add(
    address: Address,
    reason: Annotated[
        str,
        typer.Option(
            help="hard_bounce, no_such_mailbox, no_such_number, not_a_mobile, landline, complaint, opted_out or operator"
        ),
    ] = "operator",
    data: Data = None,
) -> None:
    """Suppress an address; a stronger existing reason is kept. For example `idic suppressions add anna@example.com`."""
    from idic.store.customer import consents, import_consents

    word = import_consents.read_reason(reason)

    async def work(tx: Tx, channel: str, written: str) -> str:
        await consents.suppress(tx, channel, written, word, tx.now())
        found = await consents.suppression_of(tx, channel, written)
        assert found is not None
        return found.reason

    typer.echo(f"It is suppressed: {_with(address, data, 'suppress', work)}.")


@app.command()
def lift(address: Address, data: Data = None) -> None:
    """Lift the suppression of an address; idic may write to it again, within its owner's consents."""
    from idic.store.customer import consents

    async def work(tx: Tx, channel: str, written: str) -> bool:
        return await consents.lift(tx, channel, written)

    typer.echo("The suppression is lifted." if _with(address, data, "lift", work) else "It was not suppressed.")


@app.command()
def check(address: Address, data: Data = None) -> None:
    """Show whether an address is suppressed, why, and since when."""
    from idic.interact.policy.touch_request import Suppressed
    from idic.store.customer import consents

    async def work(tx: Tx, channel: str, written: str) -> Suppressed | None:
        return await consents.suppression_of(tx, channel, written)

    found = _with(address, data, "", work)
    typer.echo(
        f"It has been suppressed since {found.at:%Y-%m-%d %H:%M} UTC: {found.reason}." if found else "It is not suppressed."
    )


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A .csv (commas, semicolons or tabs) or .ndjson file")], data: Data = None
) -> None:
    """Import addresses to suppress.

    Columns: `address`, and optionally `reason` (as in `idic suppressions add`), `at` (since when, ISO 8601) and `channel`.
    Importing the same file again changes nothing, so you may interrupt it.
    """
    from idic.cli.run import import_file
    from idic.store.customer import import_consents
    from idic.store.journey import programs
    from idic.store.open import running_store

    kept = 0

    async def run(stop: asyncio.Event) -> import_file.Taken:
        async with running_store(settings_for(data)) as store:
            async with store.reading() as tx:
                country = (await programs.vocabulary(tx) or {}).get("country")

            async def keep(page: list[import_consents.SuppressionLine]) -> list[str]:
                nonlocal kept
                await store.move("import suppressions", lambda tx: import_consents.suppress(tx, page))
                kept += len(page)
                return []

            now = store.clock.now()
            return await import_file.take(
                file, ("address",), lambda _, raw: import_consents.read_suppression(raw, now, country), keep, stop
            )

    taken = interruptible(run)
    import_file.tell(taken, f"{kept:,} addresses are suppressed")


def _with(address: str, data: Path | None, purpose: str, work: Callable[[Tx, str, str], Awaitable[T]]) -> T:
    """Run ``work`` with the normalised address; ``purpose`` is empty for work that only reads."""
    from idic.store.customer import import_consents
    from idic.store.journey import programs
    from idic.store.open import running_store

    async def run() -> T:
        async with running_store(settings_for(data)) as store:

            async def whole(tx: Tx) -> T:
                country = (await programs.vocabulary(tx) or {}).get("country")
                return await work(tx, *import_consents.read_address(address, None, country))

            if purpose:
                return await store.move(purpose, whole)
            async with store.reading() as tx:
                return await whole(tx)

    return asyncio.run(run())
