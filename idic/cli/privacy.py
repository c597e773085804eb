"""``idic export`` and ``idic erase``: what everybody may ask for."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idic.cli.run.data_folder import Data, settings_for, sure
from idic.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from idic.router.erase import Erased
    from idic.store.customer.customers import CustomerRow
    from idic.store.database import Tx

Customer = Annotated[str, typer.Argument(help="By email address, user id, telephone number or idic's own id")]


def export(
    customer: Customer,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output")] = None,
    data: Data = None,
) -> None:
    """Write down everything that is known of a customer, as JSON to be handed to them: what they did, what they said of being
    written to and what shows it, their journeys step by step, every message and why they got it."""
    from idic.store.customer import export
    from idic.store.open import running_store

    async def run() -> dict[str, Any]:
        async with running_store(settings_for(data)) as store, store.reading() as tx:
            return await export.customer_export(tx, await who(tx, customer))

    told = json.dumps(asyncio.run(run()), indent=2, ensure_ascii=False)
    if output is None:
        typer.echo(told)
    else:
        output.write_text(told + "\n", encoding="utf-8")
        typer.echo(f"Everything that is known of them is in {output}.")


def erase(
    customer: Customer,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask")] = False,
    data: Data = None,
) -> None:
    """Forget a customer, everywhere and for good; hand them their `idic export` before, if they want it.

    Their journeys end now, and what was to be sent is not. What remains are random ids, counts and times, and salted digests
    of their addresses: those get no marketing until somebody confirms that they want it. Backups of the database, the logs of
    your providers and Temporal's histories (which hold ids alone) are not touched.
    """
    from idic.router.erase import erase as forget
    from idic.router.runtime import Runtime
    from idic.store.open import running_store

    async def find() -> str:
        async with running_store(settings_for(data)) as store, store.reading() as tx:
            return (await who(tx, customer)).id

    async def run() -> Erased:
        settings = settings_for(data)
        async with running_store(settings) as store:
            return await forget(store, Runtime.set_up(settings), customer_id)

    customer_id = asyncio.run(find())
    if not sure(f"Forget customer {customer_id} for good?", yes=yes):
        raise InvalidInput(f"nothing was erased: add --yes to forget customer {customer_id} for good")
    done = asyncio.run(run())
    if done.already:
        typer.echo(f"Customer {done.customer_id} was erased before: nothing is known of them.")
        return
    typer.echo(f"Customer {done.customer_id} is erased; {done.ended:,} journeys of theirs have ended.")
    if done.same_address:
        typer.secho("Others have the same address, and may be the same person:", fg="yellow")
        for other in done.same_address:
            typer.echo(f"  idic erase {other}")


async def who(tx: Tx, customer: str) -> CustomerRow:
    """The customer who is meant. Raises ``NotFound``, without saying once more who was asked for."""
    from idic.store.reports import console

    row = await console.find_customer(tx, customer.strip().replace("\0", ""))
    if row is None:
        raise NotFound("nobody in the store is known by this: it is no email address, user id, telephone number or customer id")
    return row
