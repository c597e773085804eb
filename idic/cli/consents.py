"""``idic consents``: show a customer's consents, and import consents given elsewhere."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from idic.cli.output_format import OutputFormat
from idic.cli.run.data_folder import Data, interruptible, settings_for

app = typer.Typer(
    help="Which messages customers consented to, with proof. `show` a customer's consents, or `import` consents given "
    "elsewhere.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@app.command()
def show(
    customer: Annotated[str, typer.Argument(help="An email address, user id, phone number or idic's own id")],
    data: Data = None,
    format: Annotated[OutputFormat, typer.Option(help="text for people, json for tools")] = OutputFormat.text,
) -> None:
    """Show a customer's consents by channel, topic and purpose, since when and by which act, and the whole ledger with its
    proof.

    For example `idic consents show anna@example.com`.
    """
    from idic.cli.run.privacy import find_customer
    from idic.store.customer import export
    from idic.store.open import running_store

    async def run() -> dict[str, Any]:
        async with running_store(settings_for(data)) as store, store.reading() as tx:
            told: dict[str, Any] = export.to_json(await export.export_consents(tx, await find_customer(tx, customer)))
            return told

    told = asyncio.run(run())
    if format is OutputFormat.json:
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        _show(told)


def _show(told: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    now = Table("channel", "topic", "purpose", "may we", "since", "by", box=None, pad_edge=False)
    for one in told["now"]:
        topic = one["topic"] or "all others"
        now.add_row(one["channel"], topic, one["purpose"], one["words"], _day(one["since"]), one["act"] or "")
    console.print(now)
    for channel, one in told["suppressed"].items():
        typer.secho(f"{channel}: the address has been suppressed since {_day(one['at'])}: {one['reason']}", fg="red")
    if told["said"]:
        typer.echo()
        said = Table("when", "what", "channel", "topic", "by", "proof", box=None, pad_edge=False)
        for one in told["said"]:
            what = "gave" if one["given"] else "withdrew"
            confirmed = ", confirmed" if one["confirmed"] else ""
            proof = "" if one["proof"] is None else json.dumps(one["proof"], ensure_ascii=False)
            said.add_row(_day(one["at"]), what, one["channel"], one["topic"] or "all", f"{one['act']}{confirmed}", proof)
        console.print(said)


def _day(instant: str | None) -> str:
    return f"{instant[:10]} {instant[11:16]} UTC" if instant else ""


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A .csv (commas, semicolons or tabs) or .ndjson file")],
    create: Annotated[bool, typer.Option("--create", help="Create a customer for an unknown user id, email or phone")] = False,
    data: Data = None,
) -> None:
    """Import consents given elsewhere, with their proof.

    Columns: `channel` (email, sms, web), `given` (yes, no) and `at` (when, ISO 8601) in every line, and one of `user_id`,
    `email` and `phone`. Optional: `topic`, `purpose` (default marketing), `act` (default import), `confirmed` (yes for a
    `double opt-in`) and `proof`. Every other column becomes part of the proof.

    An import enters nobody into a journey, and a customer's later decision still counts. A line that can't be read is
    reported and doesn't stop the others. Importing the same file again changes nothing, so you may interrupt it.
    """
    from idic.cli.run import import_file
    from idic.store.customer import import_consents
    from idic.store.journey import programs
    from idic.store.open import running_store

    counted = {"new": 0, "known": 0}

    async def run(stop: asyncio.Event) -> import_file.Taken:
        async with running_store(settings_for(data)) as store:
            async with store.reading() as tx:
                country = (await programs.vocabulary(tx) or {}).get("country")

            async def keep(page: list[import_consents.ConsentLine]) -> list[str]:
                kept = await store.move(
                    "import consents", lambda tx: import_consents.import_lines(tx, page, create=create, country=country)
                )
                counted["new"] += kept.new
                counted["known"] += kept.known
                return [f"line {one}: no such customer; --create creates them" for one in kept.nobodys]

            now = store.clock.now()
            return await import_file.take(
                file,
                import_consents.NEEDED,
                lambda number, raw: import_consents.read_consent(number, raw, now, country),
                keep,
                stop,
            )

    taken = interruptible(run)
    import_file.tell(taken, f"{counted['new']:,} new in the ledger, {counted['known']:,} known already")
