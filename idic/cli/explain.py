"""``idic explain``: what happened to a customer, what did not, and why."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from idic.cli.output_format import OutputFormat
from idic.cli.run.data_folder import Data, settings_for


def explain(
    customer: Annotated[
        str, typer.Argument(help="An email address, user id, phone number, idic's own id, or an enrollment's id")
    ],
    journey: Annotated[str | None, typer.Argument(help="Only this journey")] = None,
    data: Data = None,
    format: Annotated[OutputFormat, typer.Option(help="text for people, json for tools")] = OutputFormat.text,
) -> None:
    """Explain what happened to a customer in their journeys, and what did not, in the customer's time zone.

    It names the journeys that didn't admit them, the channels that don't reach them, the rule and since when, and what
    would help. For example `idic explain anna@example.com abandoned_cart`. Every suggestion is tried on the real contact
    policy first.
    """
    from idic.cli.run import explain
    from idic.store.open import running_store

    async def run() -> explain.Explained:
        async with running_store(settings_for(data)) as store:
            return await explain.explained(store, customer, journey)

    found = asyncio.run(run())
    if format is OutputFormat.json:
        typer.echo(explain.as_json(found))
    else:
        explain.show(found)
