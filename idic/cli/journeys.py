"""The verb of marketing ops: publish what is in the folder."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer


def publish(
    folder: Annotated[Path, typer.Argument(help="The folder with the journeys")] = Path("journeys"),
) -> None:
    """Check a folder of journeys and, if nothing is wrong, make them the ones that customers enter from now on.

    Whoever is inside a journey finishes the program they began.
    """
    from idic.authoring import compile_folder
    from idic.errors import JourneyInvalid
    from idic.publishing import Published
    from idic.publishing import publish as make_current
    from idic.settings import load
    from idic.store.running import running_store

    compilation = compile_folder(folder)
    errors = tuple(problem for problem in compilation.problems if problem.severity == "error")
    if errors:
        raise JourneyInvalid(errors)

    async def run() -> Published:
        async with running_store(load()) as store:
            return await make_current(store, compilation)

    published = asyncio.run(run())
    for name in published.changed:
        typer.echo(f"published  {name}")
    for name in published.same:
        typer.echo(f"unchanged  {name}")
