"""The work of ``idic journeys``: published journeys with their customers and results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from idic.cli.run.publish import SHORT
from idic.errors import NotFound
from idic.journey.program.flow import in_order
from idic.journey.program.program import Program
from idic.problems import did_you_mean
from idic.settings import Settings
from idic.store.database import Tx
from idic.store.journey import programs
from idic.store.journey.programs import Programs, PublishedJourney
from idic.store.open import running_store
from idic.store.reports import journeys
from idic.store.reports.journeys import Funnel


class Edition(NamedTuple):
    """A program of a journey: when it was published (all times, newest first), and how many customers are at which step."""

    program: Program
    published: tuple[datetime, ...]
    inside: dict[str, int]


class Overview(NamedTuple):
    """A journey; ``editions`` begins with the program that customers enter now, then earlier ones, newest first."""

    standing: PublishedJourney
    editions: tuple[Edition, ...]
    funnel: Funnel


async def overview(settings: Settings, name: str | None) -> list[Overview]:
    """Read every published journey, or one. Raises ``NotFound``, ``StoreUnavailable``."""
    async with running_store(settings) as store, store.reading() as tx:
        standings = await programs.published_journeys(tx)
        chosen = [one for one in standings if name in (None, one.journey)]
        if name is not None and not chosen:
            raise NotFound(unknown(name, [one.journey for one in standings]))
        read = Programs()
        return [await _overview(tx, read, one) for one in chosen]


def unknown(name: str, known: Sequence[str]) -> str:
    """The message for a journey that isn't published."""
    hint = did_you_mean(name, known)
    return f'no journey "{name}" is published{f"; {hint}" if hint else ""}'


async def _overview(tx: Tx, read: Programs, standing: PublishedJourney) -> Overview:
    published: dict[str, list[datetime]] = {standing.program_id: []}
    for past in await programs.publications_of(tx, standing.journey):
        published.setdefault(past.program_id, []).append(past.published_at)
    inside: dict[str, dict[str, int]] = {}
    for row in await journeys.open_by_step(tx, standing.journey):
        inside.setdefault(row.program_id, {})[row.step or ""] = row.n
    editions = [
        Edition(await read.get(tx, id_), tuple(published.get(id_, ())), inside.get(id_, {}))
        for id_ in dict.fromkeys([*published, *inside])
    ]
    return Overview(standing, tuple(editions), await journeys.funnel(tx, standing.journey))


def show(shown: Sequence[Overview], *, whole: bool) -> None:
    """Print the result for people. ``whole`` includes earlier programs without customers."""
    if not shown:
        typer.echo("No journey is published. Run `idic publish journeys/`.")
    for number, one in enumerate(shown):
        if number:
            typer.echo()
        _show(one, whole=whole)


def _show(one: Overview, *, whole: bool) -> None:
    current, standing, funnel = one.editions[0], one.standing, one.funnel
    typer.secho(standing.journey, bold=True, nl=False)
    typer.echo(f"  {current.program.title}")
    states = [f"published {_at(standing.published_at)}", f"program {standing.program_id[:SHORT]}"]
    typer.echo(f"  {' · '.join(states)}")
    if standing.paused_at is not None:
        typer.secho(
            f"  paused since {_at(standing.paused_at)}: nothing is sent until `idic resume {standing.journey}`", fg="yellow"
        )
    if standing.stopped_at is not None:
        typer.secho(f"  stopped since {_at(standing.stopped_at)}: nobody enters until you publish it again", fg="red")
    came = [f"entered {funnel.entered:,}", f"goal {funnel.goals:,}{_worth(funnel, current.program)}"]
    came += [f"{_ending(kind, reason)} {number:,}" for kind, reason, number in funnel.endings if kind != "goal"]
    typer.echo(f"  {' · '.join(came)}")
    shown = [edition for edition in one.editions if edition is current or edition.inside]
    rows = _rows(shown, funnel)
    if rows:
        table = Table("  step", *(_title(edition, current) for edition in shown), "sent so far", box=None, pad_edge=False)
        for column in table.columns[1:-1]:
            column.justify = "right"
        for step, counts, sent in rows:
            table.add_row(f"  {step}", *(f"{count:,}" if count else "" for count in counts), sent)
        Console().print(table)
    if whole:
        typer.echo("  programs")
        for edition in one.editions:
            times = ", ".join(_at(at) for at in edition.published) or "before publications were recorded"
            inside = sum(edition.inside.values())
            typer.echo(f"    {edition.program.id}  published {times}{f'; {inside:,} inside' if inside else ''}")


def _rows(editions: Sequence[Edition], funnel: Funnel) -> list[tuple[str, list[int], str]]:
    """Every step with customers or messages, in the journey's order."""
    sent: dict[str, list[str]] = {}
    for step, channel, number in funnel.sent:
        sent.setdefault(step, []).append(f"{number:,} {channel}")
    steps = dict.fromkeys([step for edition in editions for step in in_order(edition.program)] + list(sent))
    rows = [(step, [edition.inside.get(step, 0) for edition in editions], ", ".join(sent.get(step, ()))) for step in steps]
    return [row for row in rows if any(row[1]) or row[2]]


def _title(edition: Edition, current: Edition) -> str:
    return f"in {edition.program.id[:SHORT]}{'' if edition is current else ' (former)'}"


def _ending(kind: str, reason: str) -> str:
    return {"leave": f"left by {reason}", "closed": reason}.get(kind, "done" if reason == "done" else f"exit {reason}")


def _worth(funnel: Funnel, program: Program) -> str:
    return f" ({funnel.value:,.2f} {program.currency})" if funnel.value else ""


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def as_json(shown: Sequence[Overview]) -> str:
    """The result as JSON."""
    return json.dumps([_as_data(one) for one in shown], indent=2)


def _as_data(one: Overview) -> dict[str, Any]:
    standing, funnel = one.standing, one.funnel

    def at(instant: datetime | None) -> str | None:
        return instant.isoformat() if instant else None

    return {
        "journey": standing.journey,
        "title": one.editions[0].program.title,
        "program": standing.program_id,
        "published_at": at(standing.published_at),
        "paused_at": at(standing.paused_at),
        "stopped_at": at(standing.stopped_at),
        "entered": funnel.entered,
        "goals": funnel.goals,
        "value": funnel.value,
        "sent": [dict(zip(("step", "channel", "messages"), row, strict=True)) for row in funnel.sent],
        "endings": [dict(zip(("kind", "reason", "customers"), row, strict=True)) for row in funnel.endings],
        "programs": [
            {
                "program": edition.program.id,
                "published_at": [at(instant) for instant in edition.published],
                "steps": in_order(edition.program),
                "inside": edition.inside,
            }
            for edition in one.editions
        ],
    }
