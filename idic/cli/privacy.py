"""``idic export`` and ``idic erase``: a customer's rights to their data."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from idic.cli.run.data_folder import Data, sure
from idic.errors import InvalidInput

Customer = Annotated[str, typer.Argument(help="An email address, user id, phone number or idic's own id")]


def export(
    customer: Customer,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output")] = None,
    data: Data = None,
) -> None:
    """Export everything known about a customer as JSON, to hand to them: events, consents with proof, journeys step by
    step, and every message with its reason.

    For example `idic export anna@example.com --output anna.json`.
    """
    from idic.cli.run.privacy import export_customer, show_export

    show_export(asyncio.run(export_customer(data, customer)), output)


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
    from idic.cli.run.privacy import erase_customer, find_customer_id, show_erasure

    customer_id = asyncio.run(find_customer_id(data, customer))
    if not sure(f"Erase customer {customer_id} for good?", yes=yes):
        raise InvalidInput(f"nothing was erased: add --yes to erase customer {customer_id} for good")
    show_erasure(asyncio.run(erase_customer(data, customer_id)))
