"""Collect the names that a journey declares: captures, values, segments, splits and variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from idic.journey.compiler.names_in_scope import NamesOfJourney
from idic.journey.definition.definition import CallDefinition, Definition, Given, SplitDefinition, StepDefinition
from idic.journey.program.values import Attribute
from idic.journey.vocabulary.read_vocabulary import Reading
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.journey.yaml_source.nodes import Scalar
from idic.problems import Problems


def variables_set(steps: Mapping[str, StepDefinition]) -> dict[str, Given]:
    """The variables that each step sets, with their values."""
    return {
        name: tuple((target, value) for target, value in assigned if "." not in target.value)
        for name, step in steps.items()
        if (assigned := step.assigned())
    }


def declared_names(definition: Definition, steps: Mapping[str, StepDefinition], reading: Reading) -> NamesOfJourney:
    """The names of a journey. Its values and variables have no types yet."""
    captures, answers = _captures(steps, reading.vocabulary)
    return NamesOfJourney(
        reading,
        purpose=definition.purpose,
        topic=definition.topic.value if definition.topic else None,
        key=definition.entry.key is not None,
        entered_on=[pattern.on.value for pattern in definition.entry.on],
        captures=captures,
        answers=answers,
        values=[name.value for name, _ in definition.values],
        variables=[target.value for assigned in variables_set(steps).values() for target, _ in assigned],
        splits={
            name: tuple(share.value for share, _, _ in step.shares)
            for name, step in steps.items()
            if isinstance(step, SplitDefinition)
        },
        segments=tuple(name.value for name, _ in definition.segments),
        segmented=any(when is None for _, when in definition.segments),
    )


def report_clashes(definition: Definition, steps: Mapping[str, StepDefinition], problems: Problems) -> None:
    """Reports names that mean two things."""
    meanings: dict[str, tuple[str, Scalar]] = {}
    for name, what in _named(definition, steps):
        first, first_name = meanings.setdefault(name.value, (what, name))
        if first != what:
            message = f"{name.value} is the name of {what} here, and of {first} on line {first_name.mark.line}"
            problems.error(name.mark, message, "rename one", about=("clash", name.value))


def _captures(
    steps: Mapping[str, StepDefinition], vocabulary: Vocabulary
) -> tuple[dict[str, list[str]], dict[str, list[Mapping[str, Attribute]]]]:
    """The events that each name under ``as:`` captures, and the answers of calls that each captures."""
    events: dict[str, list[str]] = {}
    answers: dict[str, list[Mapping[str, Attribute]]] = {}
    for step in steps.values():
        for capture, event in step.captures():
            events.setdefault(capture.value, []).append(event)
        if isinstance(step, CallDefinition) and step.capture is not None:
            known = vocabulary.endpoints.get(step.endpoint.value) if step.endpoint is not None else None
            answers.setdefault(step.capture.value, []).append(known.gives if known is not None else {})
    return events, answers


def _named(definition: Definition, steps: Mapping[str, StepDefinition]) -> Iterable[tuple[Scalar, str]]:
    for name, _ in definition.values:
        yield name, "a value"
    for name, _ in definition.segments:
        if name.value in {value.value for value, _ in definition.values}:
            yield name, "a segment"
    for step in steps.values():
        yield from step.declares()
