"""``idic test``: play the stories of journeys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from idic.cli.output_format import ReportFormat

HELP = """Play the stories of journeys on a virtual clock and check what they expect. Exits 1 if a story fails.

A story says what happens to a person and what they should get. Days pass in no time, and nothing is sent. Stories are in
`journeys/NAME.stories.yaml`, beside the journey `NAME.yaml`:

```
journey: welcome
people:
  anna: {first_name: Anna, email: anna@example.com, consents: [email]}
stories:
  - story: Anna is greeted and asked how she makes her coffee
    start: 2026-03-27 10:00
    play:
      - event: Signed Up
      - after: 20 minutes
        expect: {sent: welcome, by: email, at: 10:20}
      - answer: {hello: filter}
      - after: 1 hour
        expect: {sent: filter_tip, nothing more: yes}
```

What happens: `event`, `identify`, `click`, `answer`, `open`, `after`, `until`. What is expected: `entered`, `not entered`,
`sent` (`by`, `at`, `on`, `subject`, `contains`), `not sent` (`because`), `waiting` (`until`), `ended`, `goal`, `segment`,
`split`, `customer`, `values`, `called`, `nothing more`. What is learned, drawn or asked elsewhere is said `with`: `best`,
`split`, `call`, `fails`.
"""


def tell(
    paths: Annotated[list[Path] | None, typer.Argument(help="Folders of journeys, journey files, or story files")] = None,
    word: Annotated[str, typer.Option("-k", help="Only stories with this text in their title or journey")] = "",
    format: Annotated[
        ReportFormat, typer.Option(help="text for people, json for tools, github for annotations of a pull request")
    ] = ReportFormat.text,
) -> None:
    from idic.cli.run import test

    tested = test.tested(paths or [Path("journeys")], word)
    match format:
        case ReportFormat.json:
            typer.echo(test.as_json(tested))
        case ReportFormat.github:
            typer.echo(test.as_annotations(tested), nl=False)
        case _:
            test.show(tested)
    if not test.passed(tested):
        raise typer.Exit(1)


tell.__doc__ = HELP
