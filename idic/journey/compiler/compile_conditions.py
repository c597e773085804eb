"""Compile the conditions, expressions, moments and event patterns of a journey."""

from __future__ import annotations

from idic.journey.compiler.names_in_scope import NamesOfJourney
from idic.journey.definition.definition import MomentDefinition, PatternDefinition
from idic.journey.expressions.context import Names, Report
from idic.journey.expressions.infer import ValueExpression, infer, infer_value
from idic.journey.program.values import Condition, Moment, Pattern, Type
from idic.journey.vocabulary.built_in import LATER_EVENTS
from idic.journey.vocabulary.read_vocabulary import Reading
from idic.journey.vocabulary.types import describe
from idic.journey.yaml_source.nodes import Scalar
from idic.journey.yaml_source.shapes import arrives_later
from idic.problems import Problems, did_you_mean


class ConditionCompiler:
    """Compiles conditions against the names that can be read at their place.

    ``key`` is the property that tells the journey's entries apart. In every method ``where`` begins the message of each
    problem.
    """

    def __init__(self, reading: Reading, names: NamesOfJourney, key: str | None, problems: Problems) -> None:
        self.reading = reading
        self.vocabulary = reading.vocabulary
        self.names = names
        self.key = key
        self.problems = problems

    def condition(self, where: str, text: Scalar | None, names: Names, *, number: bool = False) -> Condition | None:
        """The compiled condition; None if there is none, or if it is wrong."""
        return infer(text.value, names, self.reporter(where, text), number=number) if text is not None else None

    def expression(
        self, where: str, text: Scalar, names: Names, *, wanted: Type | None = None, label: str = ""
    ) -> ValueExpression | None:
        """The compiled expression; None if it is wrong."""
        return infer_value(text.value, names, self.reporter(where, text), wanted=wanted, label=label)

    def reporter(self, where: str, text: Scalar) -> Report:
        """A callable that reports problems at their place in ``text``."""

        def report(message: str, start: int, length: int, hint: str | None, about: tuple[str, str] | None) -> None:
            self.problems.error(text.at(start, length), f"{where}: {message}", hint, about=about)

        return report

    def moment(self, where: str, text: MomentDefinition, names: Names) -> Moment | None:
        """The date or moment in an attribute, to wait until; None if the attribute holds neither."""
        attribute = names.readable.get(text.name)
        if attribute is None:
            expression = Scalar(text.text.source, text.name, *_name_range(text))
            self.expression(where, expression, names)
            return None
        if attribute.type.kind not in ("date", "moment"):
            message = f"{where}: {text.name} is {describe(attribute.type)}, not a date or a moment"
            self.problems.error(text.text.at(text.start, len(text.name)), message)
            return None
        return Moment(name=text.name, attribute=attribute, offset=text.offset, before=text.before, at=text.at)

    def pattern(self, where: str, text: PatternDefinition, names: Names) -> Pattern:
        """An event pattern of a wait, a goal or a leave, with the key of the journey."""
        known = self.is_event(text.on)
        if thing := self.vocabulary.about.get(text.on.value):
            message = f"{where}: {text.on.value} is about a {thing}, not about a customer"
            hint = "use it only under identify: on:, with for_each:"
            self.problems.error(text.on.mark, message, hint, about=("thing", text.on.value))
        properties = self.vocabulary.events.get(text.on.value, {})
        key = self.key if self.key in properties and not text.any_key else None
        when = self.condition(where, text.when, self.names.with_event(names, text.on.value)) if known else None
        return Pattern(on=text.on.value, when=when, key=key, of=text.of.value if text.of else None)

    def is_event(self, on: Scalar) -> bool:
        """Whether this event exists; reports it if not."""
        name = on.value
        if name in self.vocabulary.events:
            return True
        if name in LATER_EVENTS:
            self.problems.error(on.mark, arrives_later(f'event "{name}"'))
        else:
            hint = did_you_mean(name, self.vocabulary.events) or "declare it under events: in vocabulary.yaml"
            self.problems.error(on.mark, f'event "{name}" does not exist', hint, about=("event", name))
        return False


def _name_range(text: MomentDefinition) -> tuple[int, int]:
    """Start and end of the name in its file."""
    quote = 1 if text.text.style in ("'", '"') else 0
    start = text.text.start + quote + text.start
    return start, start + len(text.name)
