"""The ``idic`` command: one module for each verb. Heavy imports happen inside the verb that needs them."""

from __future__ import annotations

import sys

import typer

from idic.cli import (
    api,
    check,
    consents,
    dev,
    diff,
    explain,
    fmt,
    graph,
    journeys,
    operate,
    pause,
    preview,
    privacy,
    publish,
    schema,
    simulate,
    suppressions,
    test,
    vocabulary,
)
from idic.errors import IdicError
from idic.settings import described

_SETTINGS = "\n\n".join(
    f"`{variable}` {meaning}{f' [{default}]' if default else ''}" for variable, default, meaning in described()
)
app = typer.Typer(
    name="idic",
    help="One-to-one marketing journeys on Temporal: a YAML file in, the right message to every customer out.",
    epilog="Start with `idic dev`: it runs everything on this machine without settings. Servers are set by IDIC_* variables: "
    "`idic api --help` lists them, `idic settings` shows their values. `python worker.py` runs a worker.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command()(dev.dev)
app.command()(dev.demo)
app.command()(check.check)
app.command("test")(test.tell)
app.command()(simulate.simulate)
app.command()(fmt.fmt)
app.command()(graph.graph)
app.command()(vocabulary.vocabulary)
app.command()(schema.schema)
app.command()(diff.diff)
app.command()(preview.preview)
app.command()(explain.explain)
app.command(help=publish.HELP)(publish.publish)
app.command()(journeys.journeys)
app.command()(pause.pause)
app.command()(pause.resume)
app.command()(pause.stop)
app.add_typer(consents.app, name="consents")
app.add_typer(suppressions.app, name="suppressions")
app.command()(privacy.export)
app.command()(privacy.erase)
app.command(epilog=_SETTINGS)(api.api)
app.command(epilog=_SETTINGS)(operate.router)
app.command()(operate.reconcile)
app.command()(operate.migrate)
app.command()(operate.settings)


def main() -> None:
    """Run the command. An error that idic raises on purpose becomes one line and exit code 1."""
    try:
        app()
    except IdicError as error:
        typer.secho(f"idic: {error}", fg="red", err=True)
        sys.exit(1)
