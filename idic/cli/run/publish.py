"""The work of ``idic publish``: plan, confirm, publish and migrate."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from idic.cli.run.data_folder import interruptible, progress, sure
from idic.errors import InvalidInput, JourneyInvalid
from idic.journey.engine.migrate import Changing, Map, read_maps
from idic.journeys_folder import Compilation, compile_folder
from idic.publish import Publication, PublishResult, publish, publish_again
from idic.router.migrate import MigrationPlan, MigrationResult, move_everybody, plan
from idic.router.runtime import Runtime
from idic.settings import Settings
from idic.store.database import Store
from idic.store.journey import programs
from idic.store.open import running_store
from idic.store.reports import journeys
from idic.times import Duration

SHORT = 8
"""How many characters of a program's id are shown; enough to name it."""
_CHANGES = {"new": "new", "flow": "changed flow", "words": "changed words", "same": "unchanged"}
_COLORS = {"new": "green", "flow": "yellow", "words": "cyan", "same": None}


class PublishRequest(NamedTuple):
    """What to publish: ``program`` of the store, or else ``compilation``; ``whole`` if that is of a whole folder."""

    program: str | None
    compilation: Compilation | None
    whole: bool
    migrate: bool
    maps: tuple[str, ...]
    spread: Duration
    yes: bool
    dry: bool
    as_json: bool


class Foreseen(NamedTuple):
    """What publishing would change, with a migration plan for each journey that has customers inside.

    ``idle`` are maps of steps at which no customer is.
    """

    published: PublishResult
    maps: Mapping[str, Map]
    plans: tuple[MigrationPlan, ...]
    idle: tuple[str, ...] = ()


def compiled(folder: Path) -> Compilation:
    """Compile a folder or file. Raises ``NotFound``, and ``JourneyInvalid`` with all problems."""
    compilation = compile_folder(folder) if folder.is_dir() else compile_folder(folder.parent, only=folder)
    errors = tuple(problem for problem in compilation.problems if problem.severity == "error")
    if errors:
        raise JourneyInvalid(errors)
    return compilation


def span(text: str, option: str) -> Duration:
    """Read a duration. Raises ``InvalidInput``."""
    try:
        return Duration.parse(text)
    except ValueError as error:
        raise InvalidInput(str(error), where=option) from None


def run(settings: Settings, asked: PublishRequest) -> int:
    """Publish. Returns the exit code: 0 when everything is done, 1 if something is left, 2 without a confirmation. Raises
    ``IdicError``."""
    foreseen = asyncio.run(_foresee(settings, asked))
    if not asked.as_json:
        _show(foreseen, asked)
    unmapped = [group for one in foreseen.plans for group in one.unmapped]
    if asked.dry or unmapped:
        if asked.as_json:
            _echo_json(foreseen, None)
        if unmapped:
            typer.secho("Nothing is published: say with --map where the customers go.", fg="red", err=True)
        return 1 if unmapped else 0
    moving = sum(one.moving for one in foreseen.plans)
    if asked.migrate and moving and not sure(f"Publish and move {_people(moving)}?", yes=asked.yes):
        if asked.as_json:
            _echo_json(foreseen, None)
        typer.secho("Nothing is published: add --yes to do it.", err=True)
        return 2
    moved = interruptible(lambda stop: _do(settings, asked, foreseen, stop))
    if asked.as_json:
        _echo_json(foreseen, moved)
    elif foreseen.plans:
        _show_moved(moved, {one.program.journey: one.moving for one in foreseen.plans})
    return 1 if any(one.left or one.stopped for one in moved.values()) else 0


async def _foresee(settings: Settings, asked: PublishRequest) -> Foreseen:
    async with running_store(settings) as store:
        published = await _publish(store, asked, dry=True)
        if not asked.migrate:
            return Foreseen(published, {}, ())
        runtime = Runtime.set_up(settings)
        journeys = {one.journey: await _changing(store, runtime, one) for one in published.publications}
        changing = {one.journey: journeys[one.journey] for one in published.publications if one.inside}
        others = {name: found for name, found in journeys.items() if name not in changing}
        idle = tuple(text for text in asked.maps if not _spoken_of(text, changing) and _spoken_of(text, others))
        try:
            maps = read_maps([text for text in asked.maps if text not in idle], changing)
            read_maps(idle, others)
        except ValueError as error:
            raise InvalidInput(str(error), where="--map") from None
        plans = []
        for one in published.publications:
            if one.inside:
                with progress(f"looking at {one.journey}", one.inside) as count:
                    plans.append(await plan(store, runtime, one.program, maps[one.journey], _span(store, asked), count))
        return Foreseen(published, maps, tuple(plans), idle)


def _spoken_of(text: str, journeys: Mapping[str, Changing]) -> bool:
    """Whether one of these journeys had the step of ``old=new`` or ``journey.old=new``."""
    journey, _, old = text.partition("=")[0].strip().rpartition(".")
    return any(old in found.former for name, found in journeys.items() if journey in ("", name))


async def _publish(store: Store, asked: PublishRequest, *, dry: bool) -> PublishResult:
    if asked.program is not None:
        return await publish_again(store, asked.program, dry=dry)
    assert asked.compilation is not None
    published = await publish(store, asked.compilation, dry=dry)
    return published if asked.whole else published._replace(missing=())


async def _changing(store: Store, runtime: Runtime, one: Publication) -> Changing:
    """The plan's journeys with all their earlier programs: a program may have lost its last customer just now."""
    async with store.reading() as tx:
        ids = {row.program_id for row in await programs.publications_of(tx, one.journey)}
        ids |= {row.program_id for row in await journeys.open_by_step(tx, one.journey)}
        former = [await runtime.programs.get(tx, id_) for id_ in sorted(ids - {one.program.id})]
    return Changing(frozenset(step for program in former for step in program.steps), one.program)


def _span(store: Store, asked: PublishRequest) -> timedelta:
    now = store.clock.now()
    return asked.spread.after(now, "UTC") - now


async def _do(settings: Settings, asked: PublishRequest, foreseen: Foreseen, stop: asyncio.Event) -> dict[str, MigrationResult]:
    async with running_store(settings) as store:
        runtime = Runtime.set_up(settings)
        await _publish(store, asked, dry=False)
        moved: dict[str, MigrationResult] = {}
        for one in foreseen.plans:
            name = one.program.journey
            with progress(f"moving {name}", one.moving) as count:
                moved[name] = await move_everybody(
                    store, runtime, one.program, foreseen.maps[name], _span(store, asked), stop=stop, progress=count
                )
        return moved


def _show(foreseen: Foreseen, asked: PublishRequest) -> None:
    if foreseen.published.policy:
        typer.secho(f"{'changed':<14}", fg="yellow", nl=False)
        typer.echo(f"{'the contact policy':<24} applies at once to everyone, also to customers inside a journey")
    for one in foreseen.published.publications:
        typer.secho(f"{_CHANGES[one.change]:<14}", fg=_COLORS[one.change], nl=False)
        typer.echo(f"{one.journey:<24} {'; '.join(_said(one, asked))}")
    for name in foreseen.published.missing:
        typer.echo(f"{'not here':<14}{name:<24} stays published; `idic stop {name}` ends it")
    for text in foreseen.idle:
        typer.echo(f"--map {text}: no customer is there")
    for plan_ in foreseen.plans:
        _show_plan(plan_, asked)


def _said(one: Publication, asked: PublishRequest) -> list[str]:
    before = f", was {one.before[:SHORT]}" if one.before and one.change != "same" else ""
    said = [f"program {one.program.id[:SHORT]}{before}"]
    if one.restarted:
        said.append("starts again after its stop")
    if one.paused_at is not None:
        said.append(f"paused, nothing is sent until `idic resume {one.journey}`")
    if one.inside and not asked.migrate:
        words = one.change == "words"
        hint = " (--migrate gives them the new texts)" if words else ""
        said.append(f"{_people(one.inside)} {'stays' if one.inside == 1 else 'stay'} in earlier programs{hint}")
    return said


def _show_plan(plan_: MigrationPlan, asked: PublishRequest) -> None:
    typer.echo()
    words = sum(group.people for group in plan_.groups if group.words)
    typer.secho(f"{plan_.program.journey} → program {plan_.program.id[:SHORT]}", bold=True)
    if words:
        typer.echo(f"{_people(words)} {'takes' if words == 1 else 'take'} the new texts; nobody moves")
    moving = [group for group in plan_.groups if not group.words]
    if not moving:
        return
    table = Table("program", "stands at", "people", "goes to", "overdue", "under way", box=None, pad_edge=False)
    for column in (2, 4, 5):
        table.columns[column].justify = "right"
    for group in moving:
        to = {None: "[red]?[/red]", group.step: group.step}.get(group.to, f"[yellow]{group.to}[/yellow]")
        counts = [f"{number:,}" if number else "" for number in (group.people, group.overdue, group.under_way)]
        table.add_row(group.program_id[:SHORT], group.step, counts[0], to, *counts[1:])
    Console().print(table)
    if plan_.overdue:
        typer.echo(f"{plan_.overdue:,} become overdue and are spread over {asked.spread}.")
    if busy := sum(group.under_way for group in moving):
        typer.echo(f"For {_people(busy)} a message or a call is running: they move after it.")
    for step in dict.fromkeys(group.step for group in plan_.unmapped):
        typer.secho(f'say where those at "{step}" go: --map {step}=STEP, {step}=exit or {step}=stay', fg="red")


def _show_moved(moved: Mapping[str, MigrationResult], planned: Mapping[str, int]) -> None:
    typer.echo()
    for name, one in moved.items():
        counts = ((one.moved, "moved"), (one.ended, "ended"), (one.stayed, "stayed"))
        parts = [f"{number:,} {word}" for number, word in counts if number]
        typer.echo(f"{name}: {', '.join(parts) or 'nobody was left to move'}")
        for number, why in (
            (one.busy, "still have a running message or call"),
            (one.unmapped, "reached a step meanwhile without a --map"),
            (one.failed, "cannot be read by this version; see the log"),
        ):
            if number:
                typer.secho(f"  {number:,} {why}", fg="yellow")
        if one.stopped:
            rest = max(planned[name] - one.moved - one.ended, 0)
            typer.secho(f"  interrupted: {rest:,} are left", fg="yellow")
    if any(one.left or one.stopped for one in moved.values()):
        typer.echo("Run the same command again to continue with the rest.")


def _people(number: int) -> str:
    return f"{number:,} customer{'' if number == 1 else 's'}"


def _echo_json(foreseen: Foreseen, moved: Mapping[str, MigrationResult] | None) -> None:
    plans = {one.program.journey: [group._asdict() for group in one.groups] for one in foreseen.plans}
    done = moved is not None
    typer.echo(
        json.dumps(
            {
                "published": done,
                "journeys": [
                    {
                        "journey": one.journey,
                        "change": one.change,
                        "program": one.program.id,
                        "before": one.before,
                        "inside_former": one.inside,
                        "paused_at": one.paused_at.isoformat() if one.paused_at else None,
                        "restarted": one.restarted,
                        **({"plan": plans[one.journey]} if one.journey in plans else {}),
                        **({"moved": moved[one.journey]._asdict()} if moved and one.journey in moved else {}),
                    }
                    for one in foreseen.published.publications
                ],
                "policy_changed": foreseen.published.policy,
                "missing": list(foreseen.published.missing),
            },
            indent=2,
        )
    )
