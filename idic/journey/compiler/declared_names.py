"""What the names that a journey itself gives stand for: as-names, values, segments, splits and what its steps set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from idic.journey.compiler.names_in_scope import NamesOfJourney
from idic.journey.definition.definition import (
    CallText,
    Definition,
    Given,
    PatternText,
    SetText,
    SplitText,
    StepText,
    WaitForText,
    WaitText,
)
from idic.journey.program.values import Attribute
from idic.journey.vocabulary.read_vocabulary import Reading
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.journey.yaml_source.nodes import Scalar
from idic.problems import Problems


def variables_set(steps: Mapping[str, StepText]) -> dict[str, Given]:
    """The variables of the enrollment that each step sets, and to what."""
    return {
        name: tuple((target, value) for target, value in step.assign if "." not in target.value)
        for name, step in steps.items()
        if isinstance(step, SetText)
    }


def declared_names(definition: Definition, steps: Mapping[str, StepText], reading: Reading) -> NamesOfJourney:
    """The names of a journey. Those of its values and variables have no types yet."""
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
            if isinstance(step, SplitText)
        },
        segments=tuple(name.value for name, _ in definition.segments),
        segmented=any(when is None for _, when in definition.segments),
    )


def report_clashes(definition: Definition, steps: Mapping[str, StepText], problems: Problems) -> None:
    """One name means one thing."""
    meanings: dict[str, tuple[str, Scalar]] = {}
    for name, what in _named(definition, steps):
        first, where = meanings.setdefault(name.value, (what, name))
        if first != what:
            told = f"{name.value} is the name of {what} here, and of {first} on line {where.mark.line}"
            problems.error(name.mark, told, "rename one", about=("clash", name.value))


def _captures(
    steps: Mapping[str, StepText], vocabulary: Vocabulary
) -> tuple[dict[str, list[str]], dict[str, list[Mapping[str, Attribute]]]]:
    """The events behind each as-name, and the answers of calls behind each."""
    events: dict[str, list[str]] = {}
    answers: dict[str, list[Mapping[str, Attribute]]] = {}
    for step in steps.values():
        match step:
            case WaitText(without=PatternText(on=on), capture=Scalar(value=name)):
                events.setdefault(name, []).append(on.value)
            case WaitForText():
                for pattern in step.events:
                    if pattern.capture is not None:
                        events.setdefault(pattern.capture.value, []).append(pattern.on.value)
            case CallText(endpoint=endpoint, capture=Scalar(value=name)):
                known = vocabulary.endpoints.get(endpoint.value) if endpoint is not None else None
                answers.setdefault(name, []).append(known.gives if known is not None else {})
    return events, answers


def _named(definition: Definition, steps: Mapping[str, StepText]) -> Iterable[tuple[Scalar, str]]:
    for name, _ in definition.values:
        yield name, "a value"
    for name, _ in definition.segments:
        if name.value in {value.value for value, _ in definition.values}:
            yield name, "a segment"
    for step in steps.values():
        match step:
            case WaitText(capture=Scalar() as capture):
                yield capture, "a captured event"
            case WaitForText():
                yield from ((one.capture, "a captured event") for one in step.events if one.capture is not None)
            case CallText(capture=Scalar() as capture):
                yield capture, "the answer of a call"
            case SplitText(id=Scalar() as id_):
                yield id_, "a split"
            case SetText(assign=assign):
                yield from ((name, "what a step sets") for name, _ in assign if "." not in name.value)
