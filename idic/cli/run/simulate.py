"""The work of ``idic simulate``: run a crowd through journeys with a progress bar, and print the result."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from idic.errors import JourneyInvalid, NotFound
from idic.journey.contact_policy.contact_policy import Policy
from idic.journey.program.program import Program
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.journeys_folder import compile_folder
from idic.problems import did_you_mean, one_of
from idic.rehearse.crowd import assumptions
from idic.rehearse.crowd.behaviour import CrowdBehaviour, derive_behaviour
from idic.rehearse.crowd.invented import InventedCrowd
from idic.rehearse.crowd.read_rates import rates_file, read_rates, with_rate
from idic.rehearse.crowd.recorded import Recording
from idic.rehearse.crowd.rehearse import Rehearsal
from idic.rehearse.crowd.results import CrowdResults, results_json
from idic.times import Duration

DAYS = 30
_EVERY = 100


class SimulationRequest(NamedTuple):
    """What to rehearse; ``start`` is naive, in the vocabulary's zone."""

    journeys: tuple[str, ...]
    folder: Path
    customers: int
    days: int | None
    start: datetime | None
    seed: int
    rates: Path | None
    rate: tuple[str, ...]
    events: Path | None
    strict: bool


def rates_example(asked: SimulationRequest) -> str:
    """The assumed rates as a YAML file."""
    programs, vocabulary, _ = _compiled(asked)
    return rates_file(_behaviour(asked, programs, vocabulary))


def rehearse(asked: SimulationRequest) -> dict[str, Any]:
    """Run the rehearsal and return its result as data. Raises ``IdicError``."""
    programs, vocabulary, policy = _compiled(asked)
    ledger = CrowdResults(programs, vocabulary.zone)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with _interruptible() as interrupted, progress:
        if asked.events is None:
            source, finished = _invent(asked, programs, vocabulary, policy, ledger, progress, interrupted)
        else:
            source, finished = _replay(asked, asked.events, programs, vocabulary, policy, ledger, progress, interrupted)
    return {**source, "interrupted": not finished, "done": ledger.customers, **results_json(ledger)}


def _invent(
    asked: SimulationRequest,
    programs: Sequence[Program],
    vocabulary: Vocabulary,
    policy: Policy,
    ledger: CrowdResults,
    progress: Progress,
    interrupted: _Flag,
) -> tuple[dict[str, Any], bool]:
    behaviour = _behaviour(asked, programs, vocabulary)
    start = _local(asked.start, vocabulary.zone) if asked.start else _today(vocabulary.zone)
    end = Duration(days=asked.days or DAYS).after(start, vocabulary.zone)
    crowd = InventedCrowd(programs, vocabulary, behaviour, count=asked.customers, start=start, end=end, seed=asked.seed)
    rehearsal = Rehearsal(programs, ledger, start=start, end=crowd.end, zone=vocabulary.zone, calls=crowd.answer, policy=policy)
    finished = _run(rehearsal, crowd, asked.customers, progress, interrupted)
    source = {
        "source": "invented",
        "crowd": asked.customers,
        "seed": asked.seed,
        **_span(start, crowd.end, vocabulary),
        "rates": behaviour.model_dump(mode="json") | {"events": {name: str(rate) for name, rate in behaviour.events.items()}},
        "assumed": [
            *assumptions.invented_crowd(
                programs, vocabulary, behaviour, count=asked.customers, seed=asked.seed, start=start, end=crowd.end
            ),
            *assumptions.ignored_budgets(policy),
        ],
    }
    return source, finished


def _replay(
    asked: SimulationRequest,
    file: Path,
    programs: Sequence[Program],
    vocabulary: Vocabulary,
    policy: Policy,
    ledger: CrowdResults,
    progress: Progress,
    interrupted: _Flag,
) -> tuple[dict[str, Any], bool]:
    reading = progress.add_task(f"reading {file.name}", total=None)
    with Recording(
        file,
        vocabulary,
        strict=asked.strict,
        progress=lambda done, total: progress.update(reading, completed=done, total=total),
    ) as recording:
        progress.remove_task(reading)
        assert recording.first is not None
        assert recording.last is not None
        start = _local(asked.start, vocabulary.zone) if asked.start else recording.first
        end = (
            Duration(days=asked.days).after(start, vocabulary.zone)
            if asked.days
            else max(start, recording.last) + timedelta(microseconds=1)
        )
        rehearsal = Rehearsal(programs, ledger, start=start, end=end, zone=vocabulary.zone, policy=policy)
        finished = _run(rehearsal, recording.people(start, end), recording.customers, progress, interrupted)
        source = {
            "source": "recorded",
            "file": str(file),
            "crowd": recording.customers,
            **_span(start, end, vocabulary),
            "lines": recording.lines,
            "bad_lines": recording.bad,
            "problems": recording.problems,
            "unordered_lines": recording.unordered,
            "undeclared_events": recording.undeclared,
            "unread": [one._asdict() for one in recording.unread],
            "assumed": [
                *assumptions.recorded_events(programs, vocabulary, recording, start, end),
                *assumptions.ignored_budgets(policy),
            ],
        }
        return source, finished


def _run(rehearsal: Rehearsal, people: Any, count: int, progress: Progress, interrupted: _Flag) -> bool:
    shown = progress.add_task("rehearsing", total=count)
    if not progress.console.is_terminal:
        typer.echo(f"rehearsing {count:,} customers", err=True)
    ledger = rehearsal.results

    def stop() -> bool:
        if ledger.customers % _EVERY == 0:
            progress.update(shown, completed=ledger.customers)
        return interrupted.set

    return rehearsal.run(people, stop)


class _Flag:
    set = False


@contextmanager
def _interruptible() -> Iterator[_Flag]:
    """The first Ctrl-C stops after the current customer; a second one stops at once."""
    flag = _Flag()

    def interrupt(number: int, frame: FrameType | None) -> None:
        if flag.set:
            raise KeyboardInterrupt
        flag.set = True

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield flag
    finally:
        signal.signal(signal.SIGINT, before)


def _compiled(asked: SimulationRequest) -> tuple[list[Program], Vocabulary, Policy]:
    compilation = compile_folder(asked.folder)
    known = {**compilation.files}
    for name in asked.journeys:
        if name not in known:
            raise NotFound(
                f'there is no journey "{name}" in {asked.folder}; {did_you_mean(name, known) or f"there is {one_of(known)}"}'
            )
    files = {known[name] for name in asked.journeys}
    broken = tuple(
        problem
        for problem in compilation.problems
        if problem.severity == "error" and (not files or problem.file in files or problem.file not in known.values())
    )
    if broken:
        raise JourneyInvalid(broken)
    chosen = [compilation.programs[name] for name in sorted(asked.journeys or compilation.programs)]
    if not chosen:
        raise NotFound(f"there are no journeys in {asked.folder}")
    return chosen, compilation.vocabulary, compilation.policy or Policy()


def _behaviour(asked: SimulationRequest, programs: Sequence[Program], vocabulary: Vocabulary) -> CrowdBehaviour:
    behaviour = derive_behaviour(programs, vocabulary)
    if asked.rates is not None:
        if not asked.rates.is_file():
            raise NotFound(f"there is no file {asked.rates}; idic simulate --rates-example prints one")
        behaviour = read_rates(str(asked.rates), asked.rates.read_text(encoding="utf-8"), behaviour, vocabulary)
    for said in asked.rate:
        behaviour = with_rate(behaviour, said, vocabulary)
    return behaviour


def _span(start: datetime, end: datetime, vocabulary: Vocabulary) -> dict[str, Any]:
    return {
        "start": start.isoformat(),
        "end": end.isoformat(),
        "days_long": round((end - start) / timedelta(days=1), 4),
        "zone": vocabulary.zone,
    }


def _local(naive: datetime, zone: str) -> datetime:
    return naive.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _today(zone: str) -> datetime:
    return datetime.combine(datetime.now(ZoneInfo(zone)).date(), time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)


# For people.


def show(result: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the result for people."""
    console = console or Console(highlight=False)
    done, crowd = result["done"], result["crowd"]
    if result["interrupted"]:
        console.print(Text(f"interrupted: this is of {done:,} customers of {crowd:,}", style="yellow"))
    for journey in result["journeys"]:
        _show_journey(journey, done, console)
    spread = result["messages_per_customer"]
    console.print(Text("messages a customer, of all journeys", style="bold"))
    console.print(
        f"  {spread['total']:,} in all · half of the customers get at most {spread['p50']}, 99% at most {spread['p99']}, "
        f"nobody more than {spread['max']}"
    )
    console.print()
    console.print(Text("assumed", style="bold"))
    for sentence in result["assumed"]:
        table = Table.grid(padding=(0, 1))
        table.add_row("  ·", Text(sentence))
        console.print(table)
    for problem in result.get("problems", ()):
        console.print(Text(f"  {problem}", style="yellow"))


def _show_journey(journey: Mapping[str, Any], customers: int, console: Console) -> None:
    console.print(Text.assemble((journey["journey"], "bold"), f"  {journey['title']}"))
    entered = journey["entered"]
    outside = ", ".join(f"{why} {count:,}" for why, count in journey["kept_out"].items())
    console.print(
        f"  {entered:,} enrollments of {journey['customers']:,} customers ({_share(journey['customers'], customers)} of all)"
        + (f" · not admitted: {outside}" if outside else "")
    )
    if journey["segments"]:
        console.print("  " + " · ".join(f"{name} {_share(count, entered)}" for name, count in journey["segments"].items()))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for header, justify in (
        ("  step", "left"),
        ("reached", "right"),
        ("", "right"),
        ("sent", "left"),
        ("not sent, and why", "left"),
    ):
        table.add_column(header, justify=justify)  # type: ignore[arg-type]
    for step in journey["steps"]:
        sent = ", ".join(f"{channel} {count:,}" for channel, count in step["sent"].items())
        refused = ", ".join(f"{one['channel']} {one['rule']} {one['count']:,}" for one in step["not_sent"])
        waiting = f" ({step['waiting']:,} still there)" if step["waiting"] else ""
        nothing = f"got nothing: {step['got_nothing']:,}" if step["got_nothing"] else ""
        why = " · ".join(part for part in (refused, nothing) if part)
        table.add_row(f"  {step['step']}", f"{step['reached']:,}", _share(step["reached"], entered), sent, why + waiting)
    console.print(table)
    if journey["sent"]:
        console.print(
            "  " + " · ".join(_became(channel, count, journey["became"]) for channel, count in journey["sent"].items())
        )
    if (goal := journey["goal"]) is not None:
        value = f", worth {goal['value']:,.2f} {goal['currency']}" if goal["valued"] else ""
        hours = goal["hours_to_goal"]
        late = f", {goal['after_the_end']:,} of them after the end" if goal["after_the_end"] else ""
        console.print(
            f"  goal: {goal['reached']:,} ({_share(goal['reached'], entered)}){late}{value}"
            + (f" · half within {hours['p50'] + 1} hours, 90% within {hours['p90'] + 1}" if goal["reached"] else "")
        )
    endings = " · ".join(f"{one['kind']}: {one['reason']} {one['count']:,}" for one in journey["endings"])
    console.print(f"  ended: {endings or 'nobody'} · still inside: {journey['inside']:,}")
    console.print()


def _became(channel: str, sent: int, became: Mapping[str, Mapping[str, int]]) -> str:
    what = ", ".join(f"{name} {_share(count, sent)}" for name, count in became.get(channel, {}).items())
    return f"{channel} {sent:,}" + (f" ({what})" if what else "")


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"
