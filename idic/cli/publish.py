"""``idic publish``: make journeys the ones that customers enter, and move those who are inside, if that is asked for."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from idic.cli.run.data_folder import Data

HELP = """Check a folder of journeys and, if nothing is wrong, make them the ones that customers enter from now on.

Whoever is inside a journey finishes the program they began. To roll back, publish the former program: from the former files,
or from the store with `--program ID` (`idic journeys NAME` lists them).

`--migrate` moves those who are inside, too. The plan is shown first: who stands where, and where they go. A step goes to the
step of the same id; of others say it: `--map nudge=reminder`, `--map nudge=exit` (they leave the journey), `--map nudge=stay`
(they finish their former program). Waits are counted from when they began; nothing is sent twice; what was drawn stays drawn.
Where only the words changed, all take the new words, and nobody moves. It may be interrupted: the same command again goes on.
"""


class Format(StrEnum):
    text = "text"
    json = "json"


def publish(
    folder: Annotated[Path, typer.Argument(help="The folder with the journeys, or one journey file of it")] = Path("journeys"),
    program: Annotated[str | None, typer.Option(help="Publish this program of the store: its id, or how it begins")] = None,
    migrate: Annotated[bool, typer.Option("--migrate", help="Move those who are inside into what is published")] = False,
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OLD=NEW", help="Where those at a step go: a step, exit or stay; JOURNEY.OLD=NEW of one"),
    ] = None,
    spread: Annotated[str, typer.Option(help="Over how long what is overdue by that is spread")] = "1 hour",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "--plan", help="Only show what would be done")] = False,
    format: Annotated[Format, typer.Option(help="text for people, json for tools")] = Format.text,
    data: Data = None,
) -> None:
    from idic.cli.run import publish
    from idic.cli.run.data_folder import settings_for
    from idic.errors import InvalidInput

    if not migrate and map_:
        raise InvalidInput("--map says where those who are inside go: add --migrate")
    asked = publish.Asked(
        program=program,
        compilation=None if program else publish.compiled(folder),
        # Of a folder, the journeys that are missing from it are named.
        whole=folder.is_dir(),
        migrate=migrate,
        maps=tuple(map_ or ()),
        spread=publish.span(spread, "--spread"),
        yes=yes,
        dry=dry_run,
        as_json=format is Format.json,
    )
    raise typer.Exit(publish.run(settings_for(data), asked))
