"""Export or erase everything known about a customer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

from idic.cli.run.data_folder import settings_for
from idic.errors import NotFound
from idic.router.erase import Erasure, erase
from idic.router.runtime import Runtime
from idic.store.customer import export
from idic.store.customer.customers import CustomerRow
from idic.store.database import Tx
from idic.store.open import running_store
from idic.store.reports import console


async def find_customer(tx: Tx, customer: str) -> CustomerRow:
    """Find a customer by address, user id or id. Raises ``NotFound``, without repeating the searched value."""
    row = await console.find_customer(tx, customer.strip().replace("\0", ""))
    if row is None:
        raise NotFound("no customer has this email address, user id, phone number or id")
    return row


async def find_customer_id(data: Path | None, customer: str) -> str:
    """Find a customer's own id. Raises ``NotFound``."""
    async with running_store(settings_for(data)) as store, store.reading() as tx:
        return (await find_customer(tx, customer)).id


async def export_customer(data: Path | None, customer: str) -> dict[str, Any]:
    """Everything known about a customer, as JSON values. Raises ``NotFound``."""
    async with running_store(settings_for(data)) as store, store.reading() as tx:
        return await export.customer_export(tx, await find_customer(tx, customer))


async def erase_customer(data: Path | None, customer_id: str) -> Erasure:
    """Erase a customer for good."""
    settings = settings_for(data)
    async with running_store(settings) as store:
        return await erase(store, Runtime.set_up(settings), customer_id)


def show_export(exported: dict[str, Any], output: Path | None) -> None:
    """Print the export, or write it to a file."""
    text = json.dumps(exported, indent=2, ensure_ascii=False)
    if output is None:
        typer.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")
        typer.echo(f"Everything known about the customer is in {output}.")


def show_erasure(done: Erasure) -> None:
    """Print what was erased, and which other customers may be the same person."""
    if done.already:
        typer.echo(f"Customer {done.customer_id} was already erased.")
        return
    typer.echo(f"Customer {done.customer_id} is erased; {done.ended:,} of their journeys ended.")
    if done.same_address:
        typer.secho("Other customers have the same address and may be the same person:", fg="yellow")
        for other in done.same_address:
            typer.echo(f"  idic erase {other}")
