"""The verb of marketing ops: publish what is in the folder."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from idic.authoring import Compilation, compile_folder
from idic.errors import JourneyInvalid
from idic.settings import load
from idic.store import programs
from idic.store.database import Store, Tx


class Published(NamedTuple):
    """``changed`` are the journeys that customers enter anew from now on; ``same`` were published as they are."""

    changed: tuple[str, ...]
    same: tuple[str, ...]


async def publish_folder(store: Store, compilation: Compilation) -> Published:
    """Publish every journey that checks, with the vocabulary they were checked against, in one transaction."""

    async def work(tx: Tx) -> Published:
        now = tx.now()
        await programs.publish_vocabulary(tx, compilation.vocabulary.model_dump(mode="json"), now)
        changed: list[str] = []
        same: list[str] = []
        for name, program in sorted(compilation.programs.items()):
            (changed if await programs.publish(tx, program, now) else same).append(name)
        return Published(tuple(changed), tuple(same))

    return await store.move("publish", work)


def publish(
    folder: Annotated[Path, typer.Argument(help="The folder with the journeys")] = Path("journeys"),
) -> None:
    """Check a folder of journeys and, if nothing is wrong, make them the ones that customers enter from now on.

    Whoever is inside a journey finishes the program they began.
    """
    compilation = compile_folder(folder)
    errors = tuple(problem for problem in compilation.problems if problem.severity == "error")
    if errors:
        raise JourneyInvalid(errors)

    async def run() -> Published:
        store = Store.open(load().database_url)
        try:
            return await publish_folder(store, compilation)
        finally:
            await store.close()

    published = asyncio.run(run())
    for name in published.changed:
        typer.echo(f"published  {name}")
    for name in published.same:
        typer.echo(f"unchanged  {name}")
