"""``idic schema``: JSON Schemas for editors."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from idic.errors import InvalidInput

_FOLDER = Path("journeys/schema")


class SchemaKind(StrEnum):
    """The kinds of files that have a schema."""

    journey = "journey"
    vocabulary = "vocabulary"
    policy = "policy"
    stories = "stories"


def schema(
    kind: Annotated[
        SchemaKind | None, typer.Argument(help="Print only this schema; without it, all are written into the folder")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if the folder's schemas are from another version")
    ] = False,
    out: Annotated[Path, typer.Option(help="The folder for NAME.schema.json")] = _FOLDER,
) -> None:
    """Write JSON Schemas of journeys, vocabulary, policy and stories, with which editors complete, explain and underline.

    `idic schema` writes them to journeys/schema. Editors with the YAML language server (VS Code, JetBrains, Neovim and
    others) find them through the first line of a file: `# yaml-language-server: $schema=schema/journey.schema.json`
    """
    from idic.schemas import SCHEMAS, schema_text

    if kind is not None and not check:
        typer.echo(schema_text(kind), nl=False)
        return
    stale = []
    for name in [kind.value] if kind is not None else SCHEMAS:
        file, text = out / f"{name}.schema.json", schema_text(name)
        if file.is_file() and file.read_text(encoding="utf-8") == text:
            continue
        stale.append(file)
        if not check:
            _write(file, text)
            typer.echo(f"written  {file}")
    if check and stale:
        for file in stale:
            typer.echo(f"{file} is from another version of idic: run idic schema", err=True)
        raise typer.Exit(1)
    if not stale:
        typer.echo("current", err=True)


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written ({error.strerror}); choose another folder with --out") from None
