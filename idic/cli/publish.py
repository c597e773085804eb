"""``idic publish``: make journeys the ones that customers enter, and move customers inside if you ask for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from idic.cli.output_format import OutputFormat
from idic.cli.run.data_folder import Data

HELP = """Check a folder of journeys and, if there are no errors, publish them: customers enter these from now on.

Customers inside a journey finish the program they began. To roll back, publish the earlier program: from the earlier files, or
from the store with `--program ID` (`idic journeys NAME` lists them).

`--migrate` moves customers inside, too. It shows the plan first: how many are at which step, and where they go. A step goes to
the step with the same id; for others say where: `--map nudge=reminder`, `--map nudge=exit` (they leave the journey),
`--map nudge=stay` (they finish their earlier program). Waits count from when they began, nothing is sent twice, and random
choices stay as they were. If only texts changed, everyone gets the new texts and nobody moves. You may interrupt it: run the
same command again to continue.
"""


def publish(
    folder: Annotated[Path, typer.Argument(help="The folder with the journeys, or one journey file")] = Path("journeys"),
    program: Annotated[
        str | None, typer.Option(help="Publish this program of the store: its id, or the beginning of it")
    ] = None,
    migrate: Annotated[bool, typer.Option("--migrate", help="Move customers inside into the new program")] = False,
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="OLD=NEW",
            help="Where customers at a step go: a step, exit or stay; JOURNEY.OLD=NEW for one journey",
        ),
    ] = None,
    spread: Annotated[str, typer.Option(help="Spread messages that become overdue over this time")] = "1 hour",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask for confirmation")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "--plan", help="Only show the plan")] = False,
    format: Annotated[OutputFormat, typer.Option(help="text for people, json for tools")] = OutputFormat.text,
    data: Data = None,
) -> None:
    from idic.cli.run import publish
    from idic.cli.run.data_folder import settings_for
    from idic.errors import InvalidInput

    if not migrate and map_:
        raise InvalidInput("--map needs --migrate: it says where customers inside go")
    asked = publish.PublishRequest(
        program=program,
        compilation=None if program else publish.compiled(folder),
        # For a whole folder, published journeys that are missing from it are listed.
        whole=folder.is_dir(),
        migrate=migrate,
        maps=tuple(map_ or ()),
        spread=publish.span(spread, "--spread"),
        yes=yes,
        dry=dry_run,
        as_json=format is OutputFormat.json,
    )
    raise typer.Exit(publish.run(settings_for(data), asked))
