"""Write a journey as a Mermaid flow chart, which GitHub and most wikis draw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from idic.journey.program import phrases
from idic.journey.program.flow import in_order
from idic.journey.program.program import Program
from idic.journey.program.steps import STEP_KINDS, Step
from idic.picture import describe
from idic.picture.cards import INK, colors
from idic.picture.nested_steps import rounds_of_repeats


def mermaid(program: Program) -> str:
    """The text of the flow chart."""
    lines = list(_lines(program))
    drawn = "\n".join(lines)
    # A word of Mermaid's own, such as call, cannot be the name of a class.
    lines += [
        f"  classDef is_{kind} fill:{light},stroke:{strong},color:{INK}"
        for kind, (strong, light) in colors().items()
        if f":::is_{kind}\n" in drawn + "\n"
    ]
    return "\n".join(lines) + "\n"


def _lines(program: Program) -> Iterator[str]:
    yield "---"
    yield f'title: "{_plain(program.title)}"'
    yield "---"
    yield "flowchart TD"
    said = describe.entry(program.entry, program.zone)
    yield f"  enters([{_quoted('enters', said.title, *said.notes)}]):::is_entry"
    start = "enters"
    if program.segments or program.values:
        parts = [*phrases.assignments(program.values)]
        parts += [f"{one.name}: {one.when.text if one.when else 'otherwise'}" for one in program.segments]
        yield f"  who_is_who[{_quoted('differentiate', '', *parts)}]:::is_differentiate"
        yield "  enters --> who_is_who"
        start = "who_is_who"
    rounds = rounds_of_repeats(program)
    yield from _boxes(program, rounds, None, "  ")
    yield f"  {start} --> {_node(program.first.step) if program.first.step else 'done'}"
    exits: dict[str, str] = {}
    for step in (program.steps[name] for name in in_order(program)):
        if step.round_begins is not None and step.round_begins.step:
            yield f"  {_node(step.id)} --> {_node(step.round_begins.step)}"
        for way in describe.ways(step) if step.ends is None else ():
            if way.target.step is None:
                reason = way.target.exit or "done"
                # Each exit stands where it is taken: one for all would draw lines across the whole picture.
                to = "done" if reason == "done" else f"{_node(step.id)}_x{len(exits)}"
                if to != "done":
                    exits[to] = reason
            else:
                to = _node(way.target.step)
            back = step.id in rounds.get(way.target.step or "", ())
            label = f"|{_quoted('', '', *_alternatives(way.labels))}| " if way.labels else ""
            yield f"  {_node(step.id)} {'-.->' if back else '-->'} {label}{to}"
    for name, reason in exits.items():
        yield f"  {name}([{_quoted('', f'exit {reason}')}]):::is_exit"
    yield "  done([done]):::is_end"
    if program.goal:
        goal = describe.goal(program.goal)
        yield f"  goal[{_quoted('goal', goal.title, *goal.notes)}]:::is_goal"
    if program.leave:
        yield f"  leaving[{_quoted('leave, at any step', phrases.events(program.leave))}]:::is_leave"


def _boxes(program: Program, rounds: Mapping[str, frozenset[str]], around: str | None, indent: str) -> Iterator[str]:
    """The steps whose innermost repeat is ``around``; those of a repeat in a frame of their own."""
    for step in (program.steps[name] for name in in_order(program)):
        holders = [name for name, body in rounds.items() if step.id in body]
        if step.round_begins is not None:
            if _innermost(holders, rounds) == around:
                yield f'{indent}subgraph {_node(step.id)}_rounds[" "]'
                yield f"{indent}  {_box(program, step)}"
                yield from _boxes(program, rounds, step.id, indent + "  ")
                yield f"{indent}end"
                yield f"{indent}style {_node(step.id)}_rounds fill:none,stroke:{colors()[step.kind][0]},stroke-dasharray:5 4"
        elif _innermost(holders, rounds) == around:
            yield f"{indent}{_box(program, step)}"


def _innermost(holders: list[str], rounds: Mapping[str, frozenset[str]]) -> str | None:
    return min(holders, key=lambda name: len(rounds[name]), default=None)


def _box(program: Program, step: Step) -> str:
    described = step.describe()
    notes = list(described.notes)
    if len(describe.ways(step)) == 1:
        notes[:0] = step.lines()
    opening = describe.opening(program, step)
    notes[:0] = [f"“{opening}”"] if opening else []
    look = next(iter(step.sent_channels()), step.kind)
    left, right = STEP_KINDS[step.kind].mermaid_box
    text = _quoted(step.id, described.title, *notes)[1:-1]
    return f"{_node(step.id)}{left}{text}{right}:::is_{look}"


def _alternatives(labels: tuple[str, ...]) -> list[str]:
    return [label if not number else f"or {label}" for number, label in enumerate(labels)]


def _node(step: str | None) -> str:
    """The name of a box, which is never one of Mermaid's own words, such as ``end``."""
    return f"s_{step}"


def _quoted(head: str, title: str, *notes: str) -> str:
    lines = [f"<b>{_escaped(title)}</b>"] if title else []
    lines[:0] = [f"<i>{_escaped(head)}</i>"] if head else []
    return '"' + "<br/>".join([*lines, *(_escaped(note) for note in notes)]) + '"'


def _escaped(text: str) -> str:
    """Escapes the signs that Mermaid, Markdown or HTML would read, as numbers of characters."""
    return "".join(f"#{ord(sign)};" if sign in '"#&<>`*~\\;' else " " if sign.isspace() else sign for sign in text)


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"')
