"""Compile the steps that pass values on: calls of a service, and entries into another journey."""

from __future__ import annotations

from collections.abc import Mapping

from idic.journey.compiler.compile_conditions import ConditionCompiler
from idic.journey.compiler.other_journeys import OtherJourneys, key_of
from idic.journey.definition.definition import CallDefinition, Definition, EnterDefinition, Given
from idic.journey.expressions.context import Names
from idic.journey.expressions.typed import common_type
from idic.journey.program.steps import Call, Enter
from idic.journey.program.steps.step_links import CommonFields
from idic.journey.program.values import Assignment, Attribute, Endpoint
from idic.journey.vocabulary.types import describe, never_missing
from idic.problems import Mark, did_you_mean, one_of
from idic.times import Duration

_ANSWERED_WITHIN = Duration(seconds=600)
"""How long a call is tried if the journey does not say."""


class CallAndEnterCompiler:
    """Compiles ``call`` and ``enter``, and checks the values under ``with:``."""

    def __init__(self, definition: Definition, conditions: ConditionCompiler, journeys: OtherJourneys) -> None:
        self.definition = definition
        self.conditions = conditions
        self.journeys = journeys
        self.names = conditions.names
        self.vocabulary = conditions.vocabulary
        self.problems = conditions.problems

    def call(self, label: str, text: CallDefinition, names: Names, fields: CommonFields) -> Call:
        """A ``call`` step; ``label`` begins the message of each problem."""
        endpoint = None
        if text.endpoint is not None:
            name = text.endpoint.value
            endpoint = self.vocabulary.endpoints.get(name)
            if endpoint is None and f"endpoints.{name}" not in self.conditions.reading.broken:
                hint = did_you_mean(name, self.vocabulary.endpoints) or "declare it under endpoints: in vocabulary.yaml"
                message = f'{label}: endpoint "{name}" does not exist'
                self.problems.error(text.endpoint.mark, message, hint, about=("endpoint", name))
        given: list[Assignment] = []
        if endpoint is not None:
            receiver = f'endpoint "{endpoint.name}"'
            given = self.values_for(label, text.given, endpoint.takes, receiver, names)
            self.report_omitted(label, text.mark, text.given, endpoint.takes, receiver)
            if text.capture is not None and not endpoint.gives:
                hint = "write what it gives in vocabulary.yaml, or take as: out"
                self.problems.error(text.capture.mark, f"{label}: {receiver} gives nothing", hint)
        return Call(
            **fields,
            endpoint=endpoint or Endpoint(name="", url=""),
            given=tuple(given),
            capture=text.capture.value if text.capture is not None else None,
            within=text.within or _ANSWERED_WITHIN,
        )

    def enter(self, label: str, text: EnterDefinition, names: Names, fields: CommonFields) -> Enter:
        """An ``enter`` step; ``label`` begins the message of each problem."""
        other = self.journeys.entered(self.definition, text, label, self.problems)
        given: list[Assignment] | None = [] if text.given is not None else None
        if other is not None:
            receiver = f'journey "{other.name.value}"'
            takes = self.entry_of(other)
            if text.given is not None:
                given = self.values_for(label, text.given, takes, receiver, names)
                self.report_omitted(label, text.mark, text.given, takes, receiver)
            else:
                self.check_own_entry(label, text, takes, receiver)
        return Enter(**fields, journey=text.journey.value if text.journey is not None else "", given=given and tuple(given))

    def values_for(
        self, label: str, given: Given, takes: Mapping[str, Attribute], receiver: str, names: Names
    ) -> list[Assignment]:
        """The values that are passed on, each checked against what the receiver takes."""
        assignments: list[Assignment] = []
        for name, text in given:
            attribute = takes.get(name.value)
            if attribute is None:
                hint = did_you_mean(name.value, takes) or (f"it takes {one_of(takes, 'and')}" if takes else "take it out")
                self.problems.error(name.mark, f"{label}: {receiver} takes no {name.value}", hint, about=(receiver, name.value))
                continue
            expression = self.conditions.expression(label, text, names, wanted=attribute.type, label=name.value)
            if expression is None:
                continue
            if attribute.required and not expression.always_known:
                message = f"{label}: {receiver} needs {name.value}, and this may be missing"
                self.problems.error(text.mark, message, "write what to use then: known(…) ? … : …")
            assignments.append(Assignment(name=name.value, type=expression.type, value=expression.condition))
        return assignments

    def report_omitted(self, label: str, mark: Mark, given: Given, takes: Mapping[str, Attribute], receiver: str) -> None:
        """Reports values that the receiver needs and that are not passed on."""
        names = {name.value for name, _ in given}
        for name, attribute in takes.items():
            if attribute.required and name not in names:
                hint = f"write with: {{{name}: …}}"
                self.problems.error(mark, f"{label}: {receiver} needs {name} ({describe(attribute.type)})", hint)

    def entry_of(self, other: Definition) -> dict[str, Attribute]:
        """The values that another journey can be entered with: the properties of its entry events."""
        properties = self.names.of_any("entry", self.names.declared(pattern.on.value for pattern in other.entry.on))
        takes = {name.removeprefix("entry."): attribute for name, attribute in properties.items()}
        key = key_of(other)
        if key in takes:
            takes[key] = takes[key].model_copy(update={"required": True})
        return takes

    def check_own_entry(self, label: str, text: EnterDefinition, takes: Mapping[str, Attribute], receiver: str) -> None:
        """Checks that this journey's own entry values, which are passed on if ``with:`` is missing, suit the other journey."""
        for name, attribute in takes.items():
            own = self.names.entry.get(f"entry.{name}")
            hint = f"write with: {{{name}: …}}"
            if own is not None and common_type(own.type, attribute.type) is None:
                kinds = f"{describe(attribute.type)} there, and {describe(own.type)} where this one is entered"
                self.problems.error(text.mark, f"{label}: {name} of {receiver} is {kinds}", hint)
            elif attribute.required and (own is None or not never_missing(own)):
                message = f"{label}: {receiver} needs {name} ({describe(attribute.type)}), and this one may be entered without"
                self.problems.error(text.mark, message, hint)
