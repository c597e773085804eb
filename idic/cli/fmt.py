"""``idic fmt``: format journey files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from idic.errors import InvalidInput, NotFound


def fmt(
    paths: Annotated[list[Path] | None, typer.Argument(help="Folders of journeys, or files")] = None,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 and list the files that would change")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Change nothing; show what would change")] = False,
) -> None:
    """Format journeys, the vocabulary and stories in one standard layout. Comments and meaning stay the same.

    Sections and keys get one order, what fits on a line of 120 columns and was on one line stays there, and quotes stand
    only where they are needed. For example `idic fmt` for the folder journeys, or `idic fmt --check` before a commit. A
    file with YAML errors isn't changed but reported, and so is a file that would compile to a different program.
    """
    from idic.cli.run.fmt import FormattedFile, lay_out

    files = _files(paths or [Path("journeys")])
    failed = changed = 0
    for outcome in lay_out(files):
        match outcome:
            case FormattedFile(problems=problems) if problems:
                failed += 1
                for problem in problems:
                    typer.secho(str(problem), fg=typer.colors.RED, err=True)
            case FormattedFile(text=text) if text != outcome.before:
                changed += 1
                if diff:
                    typer.echo(outcome.diff(), nl=False)
                if not check and not diff:
                    _write(outcome.file, outcome.text)
                if not diff:
                    typer.echo(f"{'would change' if check else 'changed'}  {outcome.file}")
    if not failed and not changed:
        typer.echo(f"{len(files)} file{'' if len(files) == 1 else 's'} already formatted", err=True)
    if failed or (check and changed):
        raise typer.Exit(1)


def _files(paths: list[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(one for one in (*path.glob("*.yaml"), *path.glob("*.yml")) if not one.name.startswith("."))
        elif path.is_file():
            found.append(path)
        else:
            raise NotFound(f"there is no file or folder {path}; give a folder of journeys, or a file in it")
    return found


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror}") from None
