"""``idic suppressions``: addresses that idic never writes to."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from idic.cli.run.data_folder import Data, interruptible

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
    from idic.cli.run.suppressions import suppress

    typer.echo(f"It is suppressed: {asyncio.run(suppress(data, address, reason))}.")


@app.command()
def lift(address: Address, data: Data = None) -> None:
    """Lift the suppression of an address; idic may write to it again, within its owner's consents."""
    from idic.cli.run import suppressions

    typer.echo("The suppression is lifted." if asyncio.run(suppressions.lift(data, address)) else "It was not suppressed.")


@app.command()
def check(address: Address, data: Data = None) -> None:
    """Show whether an address is suppressed, why, and since when."""
    from idic.cli.run.suppressions import suppression_of

    suppressed = asyncio.run(suppression_of(data, address))
    if suppressed:
        typer.echo(f"It has been suppressed since {suppressed.at:%Y-%m-%d %H:%M} UTC: {suppressed.reason}.")
    else:
        typer.echo("It is not suppressed.")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A .csv (commas, semicolons or tabs) or .ndjson file")], data: Data = None
) -> None:
    """Import addresses to suppress.

    Columns: `address`, and optionally `reason` (as in `idic suppressions add`), `at` (since when, ISO 8601) and `channel`.
    Importing the same file again changes nothing, so you may interrupt it.
    """
    from idic.cli.run.import_file import tell
    from idic.cli.run.suppressions import import_suppressions

    taken = interruptible(lambda stop: import_suppressions(data, file, stop))
    tell(taken, f"{taken.lines - taken.bad:,} addresses are suppressed")
