"""Check the names in a story against the journey and the vocabulary."""

from __future__ import annotations

from idic.journey.channels import CHANNELS
from idic.journey.program.program import Program
from idic.journey.program.steps import Call, Send, Split
from idic.journey.program.values import Endpoint
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.journey.yaml_source.nodes import Node, Scalar
from idic.journey.yaml_source.shapes import Shapes
from idic.problems import Problems, did_you_mean, one_of
from idic.rehearse.stories.read_values import ValueReader, date_of
from idic.rehearse.stories.storybook import WrittenMoment

TIME_KEYS = ("after", "until", "at")
EVENT_KEYS = ("event", "identify", "click", "answer", "open")
PIN_KEYS = ("best", "split", "call", "fails")
LINE_KEYS = (*TIME_KEYS, *EVENT_KEYS, *PIN_KEYS, "expect")
"""The keys of a line of a story; nobody in it may have one of them as a name."""


class StoryNames:
    """What the stories of a journey may name: the steps, splits and endpoints of ``programs``, and the vocabulary.

    The methods report a wrong name with the names that there are.
    """

    def __init__(self, programs: tuple[Program, ...], vocabulary: Vocabulary, problems: Problems) -> None:
        self.problems = problems
        self.shapes = Shapes(problems)
        self.values = ValueReader(problems)
        self.vocabulary = vocabulary
        self.programs = programs
        self.zone = programs[0].zone
        steps = [step for program in programs for step in program.steps.values()]
        self.sends = {step.id: step for step in steps if isinstance(step, Send)}
        self.splits = {step.id: step for step in steps if isinstance(step, Split)}
        self.endpoints: dict[str, Endpoint] = {step.endpoint.name: step.endpoint for step in steps if isinstance(step, Call)}

    def is_channel(self, scalar: Scalar, value: str | None = None) -> bool:
        """Whether the text, or ``value`` from it, is a channel."""
        name = scalar.value if value is None else value
        if name not in CHANNELS:
            hint = did_you_mean(name, CHANNELS) or f"write {one_of(CHANNELS)}"
            self.problems.error(scalar.mark, f'there is no channel "{name}"', hint)
        return name in CHANNELS

    def is_send(self, step: Scalar) -> bool:
        """Whether the text is the id of a step that sends."""
        if step.value not in self.sends:
            hint = did_you_mean(step.value, self.sends) or f"it sends in {one_of(self.sends) or 'no step'}"
            self.problems.error(
                step.mark, f'step "{step.value}" sends nothing in this journey', hint, about=("send", step.value)
            )
        return step.value in self.sends

    def date(self, node: Node | None, what: str) -> WrittenMoment | None:
        """Read a date with a time of day, perhaps with a zone."""
        text = self.shapes.text(node, what)
        date = date_of(text.value) if text else None
        if text and date is None:
            self.problems.error(
                text.mark, f'{what}: "{text.value}" is not a moment',
                "write 2026-03-27 10:00, or 2026-03-27 10:00 America/New_York",
            )  # fmt: skip
        return date
