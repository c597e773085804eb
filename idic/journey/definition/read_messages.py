"""Read the messages under ``customize:``.

What differs for a segment (``for:``) or in a language (``in:``) has the same shape as the message, with fewer entries.
"""

from __future__ import annotations

from collections.abc import Mapping as Mapped
from dataclasses import dataclass
from dataclasses import field as having

from idic.journey.channels import CHANNELS, Channel
from idic.journey.yaml_source.nodes import Mapping, Node, Scalar
from idic.journey.yaml_source.shapes import Shapes
from idic.problems import Problems, one_of
from idic.times import Duration

_VARIANTS = ("for", "in")
_ENTRIES_OF_OTHER_TOOLS = {
    **{name: hint for channel in CHANNELS.values() for name, hint in channel.other_names.items()},
    "segment": "for:", "segments": "for:", "audience": "for:",
    "language": "in:", "languages": "in:", "locale": "in:", "locales": "in:", "translations": "in:",
}  # fmt: skip
_VARIANT_HINTS = {
    "for": "for: beside the channels, and the segment in it",
    "in": "in: beside the channels, and the language in it",
}


@dataclass(frozen=True, slots=True, eq=False)
class ContentDefinition:
    """The content for one channel.

    ``texts`` by name: subject, preheader, body and text of an email; text of an SMS; slot and body on the web.
    """

    texts: Mapped[str, Scalar]
    show_for: Duration | None = None
    ends_on_click: bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class VariantDefinition:
    """What differs for a segment or in a language: ``contents`` by channel. ``name`` is the segment's or language's name in
    the file."""

    name: Scalar
    contents: Mapped[str, ContentDefinition]
    given: Mapped[str, Scalar]


@dataclass(frozen=True, slots=True, eq=False)
class MessageDefinition:
    """A message as written.

    ``contents`` by channel are for everybody. A channel that is ``given`` but has no content had an error, which is
    reported. ``variants`` are by segment and language, of which one may be empty.
    """

    name: Scalar
    contents: Mapped[str, ContentDefinition]
    given: Mapped[str, Scalar]
    variants: Mapped[tuple[str, str], VariantDefinition] = having(default_factory=dict)
    segments: tuple[Scalar, ...] = ()
    languages: tuple[Scalar, ...] = ()


def read_messages(node: Node | None, shapes: Shapes, problems: Problems) -> tuple[MessageDefinition, ...]:
    """Read the messages under ``customize:``. Problems are reported, and the parts that have them are left out."""
    return _MessageReader(shapes, problems).read(node)


class _MessageReader:
    def __init__(self, shapes: Shapes, problems: Problems) -> None:
        self.shapes = shapes
        self.problems = problems

    def read(self, node: Node | None) -> tuple[MessageDefinition, ...]:
        if node is None:
            return ()
        if not isinstance(node, Mapping):
            self.problems.error(node.mark, "customize consists of messages", "write a name, a colon and its content")
            return ()
        return tuple(self.message(name, value) for name, value in node.entries)

    def message(self, name: Scalar, node: Node) -> MessageDefinition:
        self.shapes.name(name, "message", field=True)
        called = f'message "{name.value}"'
        entries = (*CHANNELS, *_VARIANTS)
        fields = self.shapes.fields(node, called, entries, instead=_ENTRIES_OF_OTHER_TOOLS) or {}
        contents = self.contents(fields, called, whole=True)
        if not isinstance(node, Mapping):
            return MessageDefinition(name, contents, dict.fromkeys(CHANNELS, name))
        variants: dict[tuple[str, str], VariantDefinition] = {}
        segments: list[Scalar] = []
        languages: list[Scalar] = []
        for segment, value in self.entries(fields.get("for"), called, "for", "segment"):
            segments.append(segment)
            self.variant(variants, (segment.value, ""), segment, value, called, (*CHANNELS, "in"))
            inner = value.get("in") if isinstance(value, Mapping) else None
            for language, words in self.entries(inner, called, "in", "language"):
                languages.append(language)
                self.variant(variants, (segment.value, language.value), language, words, called, tuple(CHANNELS))
        for language, value in self.entries(fields.get("in"), called, "in", "language"):
            languages.append(language)
            self.variant(variants, ("", language.value), language, value, called, tuple(CHANNELS))
        return MessageDefinition(name, contents, _given(node), variants, tuple(segments), tuple(languages))

    def entries(self, node: Node | None, called: str, word: str, what: str) -> tuple[tuple[Scalar, Node], ...]:
        if node is None:
            return ()
        if not isinstance(node, Mapping):
            hint = f"write a {what}, a colon and what differs"
            self.problems.error(node.mark, f"{called}: {word} says what differs by {what}", hint)
            return ()
        return node.entries

    def variant(
        self,
        variants: dict[tuple[str, str], VariantDefinition],
        place: tuple[str, str],
        name: Scalar,
        node: Node,
        called: str,
        entries: tuple[str, ...],
    ) -> None:
        called = f"{called}, {describe_variant(*place)}"
        instead = {**_ENTRIES_OF_OTHER_TOOLS, "for": "for: outside, and in: inside it"}
        fields = self.shapes.fields(node, called, entries, instead=instead)
        if fields is None or not isinstance(node, Mapping):
            return
        contents = self.contents(fields, called, whole=False)
        if contents or not fields:
            variants[place] = VariantDefinition(name, contents, _given(node))

    def contents(self, fields: Mapped[str, Node], called: str, *, whole: bool) -> dict[str, ContentDefinition]:
        contents: dict[str, ContentDefinition] = {}
        for name, channel in CHANNELS.items():
            content = self.content(channel, fields[name], called, whole) if name in fields else None
            if content is not None:
                contents[name] = content
        return contents

    def content(self, channel: Channel, node: Node, called: str, whole: bool) -> ContentDefinition | None:
        """The content for one channel. ``whole``: no layer lies below it, so every required field must be there."""
        what = f"{called}: {channel.name}"
        if channel.written_as_text and not isinstance(node, Mapping):
            text = self.shapes.text(node, what, free=True)
            return ContentDefinition({channel.main_field: text}) if text is not None else None
        if channel.examples_for_text is not None and isinstance(node, Scalar):
            in_full, in_variant = channel.examples_for_text
            hint = f"write {channel.name}: {in_full if whole else in_variant}"
            parts = one_of((f"a {name}" for name in channel.required_fields), "and")
            needs = f"needs {parts}" if whole else "says what of it differs"
            self.problems.error(node.mark, f"{what} {needs}", hint)
            return None
        whole = whole or channel.written_as_text
        fields = self.shapes.fields(
            node,
            what,
            channel.field_names,
            required=channel.required_fields if whole else (),
            later=channel.later_fields,
            instead={**channel.other_fields, **_VARIANT_HINTS},
        )
        return self.parts(channel, fields, called, what, whole) if fields is not None else None

    def parts(
        self, channel: Channel, fields: Mapped[str, Node], called: str, what: str, whole: bool
    ) -> ContentDefinition | None:
        texts = self.texts(channel, fields, what if channel.placed else called)
        show_for = self.shapes.duration(fields.get("show_for"), f"{what}: show_for")
        until = self.shapes.choice(fields.get("until"), f"{what}: until", ("click",))
        for field in channel.fields:
            text = texts.get(field.name)
            if field.kind == "slot" and text is not None and not self.shapes.name(text, field.name, field=True):
                return None
        if whole and not texts.keys() >= set(channel.required_fields):
            return None
        for field in channel.fields:
            text = texts.get(field.name)
            if field.one_line and text is not None and "\n" in text.value.strip():
                self.problems.error(text.mark, f"{called}: the {field.name} has several lines", "write one")
        return ContentDefinition(texts, show_for, until == "click" or None)

    def texts(self, channel: Channel, fields: Mapped[str, Node], called: str) -> dict[str, Scalar]:
        texts: dict[str, Scalar] = {}
        for field in channel.fields:
            node = fields.get(field.name)
            name = channel.name if channel.written_as_text else field.name
            free = field.kind == "text" or (field.kind == "template" and _inline(node))
            text = self.shapes.text(node, f"{called}: {name}", free=free)
            if text is not None:
                texts[field.name] = text
        return texts


def describe_variant(segment: str, language: str) -> str:
    """A variant in words: ``for newcomer in de``."""
    return " ".join([*([f"for {segment}"] if segment else []), *([f"in {language}"] if language else [])])


def _given(node: Mapping) -> dict[str, Scalar]:
    return {key.value: key for key, _ in node.entries if key.value in CHANNELS}


def _inline(node: Node | None) -> bool:
    return isinstance(node, Scalar) and " " in node.value.strip()
