"""``idic export`` and ``idic erase``: a customer's rights to their data."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idic.cli.run.data_folder import Data, settings_for, sure
from idic.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from idic.router.erase import Erasure
    from idic.store.customer.customers import CustomerRow
    from idic.store.database import Tx

Customer = Annotated[str, typer.Argument(help="An email address, user id, phone number or idic's own id")]


def export(
    customer: Customer,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output")] = None,
    data: Data = None,
) -> None:
    """Export everything known about a customer as JSON, to hand to them: events, consents with proof, journeys step by
    step, and every message with its reason."""
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
        typer.echo(f"Everything known about the customer is in {output}.")


def erase(
    customer: Customer,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask for confirmation")] = False,
    data: Data = None,
) -> None:
    """Erase a customer for good, everywhere. Run `idic export` first if they want their data.

    Their journeys end now, and planned messages aren't sent. Random ids, counts and times remain, and salted digests of
    their addresses, so that no marketing is sent to them until somebody confirms consent. Backups of the database, your
    providers' logs and Temporal's histories (which contain only ids) are not changed.
    """
    from idic.router.erase import erase as forget
    from idic.router.runtime import Runtime
    from idic.store.open import running_store

    async def find() -> str:
        async with running_store(settings_for(data)) as store, store.reading() as tx:
            return (await who(tx, customer)).id

    async def run() -> Erasure:
        settings = settings_for(data)
        async with running_store(settings) as store:
            return await forget(store, Runtime.set_up(settings), customer_id)

    customer_id = asyncio.run(find())
    if not sure(f"Forget customer {customer_id} for good?", yes=yes):
        raise InvalidInput(f"nothing was erased: add --yes to erase customer {customer_id} for good")
    done = asyncio.run(run())
    if done.already:
        typer.echo(f"Customer {done.customer_id} was already erased.")
        return
    typer.echo(f"Customer {done.customer_id} is erased; {done.ended:,} of their journeys ended.")
    if done.same_address:
        typer.secho("Other customers have the same address and may be the same person:", fg="yellow")
        for other in done.same_address:
            typer.echo(f"  idic erase {other}")


async def who(tx: Tx, customer: str) -> CustomerRow:
    """Find the customer. Raises ``NotFound``, without repeating the searched value."""
    from idic.store.reports import console

    row = await console.find_customer(tx, customer.strip().replace("\0", ""))
    if row is None:
        raise NotFound("no customer has this email address, user id, phone number or id")
    return row
