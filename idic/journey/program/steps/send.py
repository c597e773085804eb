"""The step ``send``: a message, by one channel or several."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import ClassVar, Literal

from idic.journey.channels import CHANNELS, EMAIL
from idic.journey.definition.definition import Mode, SendDefinition
from idic.journey.definition.read_steps import StepReader
from idic.journey.program import phrases
from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step, Way, nominal
from idic.journey.program.steps.step_kind import Look, Running, StepContext, StepKind, StepRun
from idic.journey.program.steps.step_links import StepTargets, Transition
from idic.journey.program.steps.step_schema import BOTH, step_schema
from idic.journey.yaml_source.nodes import Mapping, Node, Scalar, Sequence
from idic.schema_parts import Schema, any_of, choice, duration, entries, hours, one_or_list, ref, text
from idic.times import Duration, Hours


class Send(Step):
    """``channels`` in the order of the file. ``each`` sends on all of them, ``first_of`` on the first that is reachable and
    allowed, ``best_of`` on the one that is best for this customer and, where that cannot be, on the next best. ``at`` are the
    hours of the customer's day in which it may leave; ``best time`` asks for the hour at which this customer answers."""

    kind: Literal["send"] = "send"
    message: str
    channels: tuple[str, ...]
    mode: Literal["each", "first_of", "best_of"] = "each"
    at: Hours | Literal["best time"] | None = None
    within: Duration

    stops: ClassVar[bool] = True

    def ways(self) -> Iterator[Way]:
        """On when it was sent, otherwise when it was not."""
        yield Way("sent", self.then)
        yield Way("otherwise: not sent", self.otherwise)

    def longest(self) -> timedelta:
        """How long the message may wait before it leaves."""
        return nominal(self.within)

    def sent_message(self) -> str:
        """The name of its message."""
        return self.message

    def sent_channels(self) -> tuple[str, ...]:
        """Its channels."""
        return self.channels

    def most_messages(self) -> int:
        """One for each channel, or one altogether."""
        return len(self.channels) if self.mode == "each" else 1

    def describe(self) -> Description:
        """``best of email, SMS · nudge``"""
        names = [phrases.channel(name) for name in self.channels]
        if self.mode == "each":
            how = " + ".join(names)
        else:
            how = f"{'first' if self.mode == 'first_of' else 'best'} of {', '.join(names)}"
        hours = (f"at {self.at}" if isinstance(self.at, str) else f"from {self.at}",) if self.at else ()
        title = f"{how}\N{NO-BREAK SPACE}· {self.message}"
        return Description(title, (*self._if(), *hours, f"within {self.within}"))


class SendKind(StepKind[SendDefinition, Send]):
    """The row of ``send``."""

    keyword = "send"
    step = Send
    summary = "a message; by, at, within"
    other_names: ClassVar = {EMAIL.name: "send: … with by: email", "message": "send:"}

    def looks(self) -> dict[str, Look]:
        """A send looks like the channel by which it sends."""
        return {name: Look(channel.icon, channel.colors) for name, channel in CHANNELS.items()}

    def read(self, reader: StepReader, node: Mapping, kind: Scalar, id_: Scalar | None, label: str) -> SendDefinition:
        """The step as written."""
        known = ("send", "by", "at", "within", "then", "otherwise")
        fields = reader.parts(node, label, known)
        within = reader.shapes.duration(fields.get("within"), f"{label}: within")
        if reader.shapes.is_missing(node, "by", ("id", "if", *known)):
            reader.problems.error(kind.mark, f"{label}: send needs by", "write by: email")
        message = None
        if isinstance(fields["send"], Scalar):
            message = reader.shapes.text(fields["send"], f"{label}: send")
        else:
            hint = "name it, with its words under customize:; for several messages make a step of each"
            reader.problems.error(fields["send"].mark, f"{label}: send is one message", hint)
        mode, channels = self._by(reader, fields.get("by"), label)
        at = self._at(reader, fields.get("at"), label)
        return SendDefinition(
            *reader.common(fields, id_, kind), message=message, channels=channels, mode=mode, at=at, within=within
        )

    def _at(self, reader: StepReader, node: Node | None, label: str) -> Hours | Literal["best time"] | None:
        """The hours of ``at``."""
        text = reader.shapes.text(node, f"{label}: at")
        if text is None or text.value == "now":
            return None
        if text.value == "best time":
            return "best time"
        try:
            return Hours.parse(text.value)
        except ValueError as error:
            hint = None if " to " in text.value else 'or "now", or "best time"'
            reader.problems.error(text.mark, f"{label}: at: {error}", hint)
            return None

    def _by(self, reader: StepReader, node: Node | None, label: str) -> tuple[Mode, tuple[Scalar, ...]]:
        """The mode and the channels of ``by``."""
        if not isinstance(node, Mapping):
            return "each", self._channels(reader, node, label)
        words = {"one_of": "best_of: or first_of:", "any_of": "first_of:", "all_of": "by: [email, sms], which means each"}
        words |= dict.fromkeys(CHANNELS, "by: email, or by: {first_of: [email, sms]}")
        fields = reader.shapes.fields(node, f"{label}: by", ("first_of", "best_of"), instead=words) or {}
        if len(fields) > 1:
            reader.problems.error(node.mark, f"{label}: by is first_of and best_of in one", "keep one of them")
        elif not node.entries:
            reader.problems.error(node.mark, f"{label}: by names no channel", "write by: email")
        if "best_of" in fields:
            return "best_of", self._channels(reader, fields["best_of"], label)
        return "first_of", self._channels(reader, fields.get("first_of"), label)

    def _channels(self, reader: StepReader, node: Node | None, label: str) -> tuple[Scalar, ...]:
        """The channels of a list, each once."""
        if isinstance(node, Sequence) and not node.items:
            reader.problems.error(node.mark, f"{label}: by names no channel", "write by: email")
        channels: list[Scalar] = []
        for channel in reader.shapes.texts(node, f"{label}: by"):
            if reader.shapes.choice(channel, f"{label}: by", CHANNELS) is None:
                continue
            if any(channel.value == before.value for before in channels):
                reader.problems.error(channel.mark, f"{label}: {channel.value} is there twice", "keep one")
            channels.append(channel)
        return tuple(channels)

    def schema(self) -> Schema:
        """The JSON schema of such a step."""
        several = one_or_list(ref("channel"))
        by = any_of(
            ref("channel"),
            {"type": "array", "items": ref("channel"), "minItems": 1, "uniqueItems": True},
            entries({"first_of": several}, required=("first_of",)),
            entries({"best_of": several}, required=("best_of",)),
            description="On which channels: one; a list means each; `first_of` the first that is reachable and allowed; "
            "`best_of` the best for this customer.",
        )
        at = any_of(choice(("now", "best time")), hours(""), description="When in the customer's day. Default: now.")
        within = duration(
            "Quiet hours, caps and pauses included; later means not sent. Default: as policy.yaml says, of a service 3 days."
        )
        return step_schema(
            "send", "Send", "The message, by its name under customize.", text(examples=["cart_reminder"]),
            {"by": by, "at": at, "within": within, **BOTH}, required=("by",),
        )  # fmt: skip

    def transitions(
        self, text: SendDefinition, name: str, targets: StepTargets, entered_on: frozenset[str], uncertain: frozenset[str]
    ) -> list[Transition]:
        """One for sent, one for not sent."""
        return [Transition(name, targets.then), Transition(name, targets.otherwise)]

    def compile(self, text: SendDefinition, context: StepContext) -> Send:
        """The step of the program."""
        if text.message is not None:
            context.check_message(text.message, text.channels)
        return Send(
            **context.fields,
            message=text.message.value if text.message is not None else "",
            channels=tuple(channel.value for channel in text.channels),
            mode=text.mode,
            at=text.at,
            within=text.within or context.within,
        )

    def run(self, step: Send, move: StepRun) -> Running:
        """Sends; its condition is asked at the moment of sending."""
        return move.send(step)
