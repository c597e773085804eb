"""What customers read, as it is written in a journey file: each message with its contents in their shape.

What differs for a segment (``for:``) or in a language (``in:``) is written in the same shape, with less in it.
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
_OTHER_WORDS = {
    **{name: hint for channel in CHANNELS.values() for name, hint in channel.other_names.items()},
    "segment": "for:", "segments": "for:", "audience": "for:",
    "language": "in:", "languages": "in:", "locale": "in:", "locales": "in:", "translations": "in:",
}  # fmt: skip
_BESIDE = {"for": "for: beside the channels, and the segment in it", "in": "in: beside the channels, and the language in it"}


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """What is written for one channel. ``texts`` by name: subject, preheader, body and text of an email; text of an SMS; slot
    and body on the web."""

    texts: Mapped[str, Scalar]
    show_for: Duration | None = None
    ends_on_click: bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """What differs: ``contents`` by channel. ``name`` is of the segment or the language, where it stands in the file."""

    name: Scalar
    contents: Mapped[str, Words]
    given: Mapped[str, Scalar]


@dataclass(frozen=True, slots=True, eq=False)
class MessageText:
    """``contents`` by channel are for everybody. A channel that is ``given`` and has none is wrong, which has been told.
    ``variants`` are by segment and language, of which one may be empty."""

    name: Scalar
    contents: Mapped[str, Words]
    given: Mapped[str, Scalar]
    variants: Mapped[tuple[str, str], Variant] = having(default_factory=dict)
    segments: tuple[Scalar, ...] = ()
    languages: tuple[Scalar, ...] = ()


def read_messages(node: Node | None, shapes: Shapes, problems: Problems) -> tuple[MessageText, ...]:
    """The messages under ``customize:``. What is wrong has been told, and is left out."""
    return _Wordings(shapes, problems).whole(node)


class _Wordings:
    def __init__(self, shapes: Shapes, problems: Problems) -> None:
        self.shapes = shapes
        self.problems = problems

    def whole(self, node: Node | None) -> tuple[MessageText, ...]:
        if node is None:
            return ()
        if not isinstance(node, Mapping):
            self.problems.error(node.mark, "customize consists of messages", "write a name, a colon and its content")
            return ()
        return tuple(self.message(name, value) for name, value in node.entries)

    def message(self, name: Scalar, node: Node) -> MessageText:
        self.shapes.name(name, "message", field=True)
        called = f'message "{name.value}"'
        known = (*CHANNELS, *_VARIANTS)
        found = self.shapes.fields(node, called, known, instead=_OTHER_WORDS) or {}
        contents = self.contents(found, called, whole=True)
        if not isinstance(node, Mapping):
            return MessageText(name, contents, dict.fromkeys(CHANNELS, name))
        variants: dict[tuple[str, str], Variant] = {}
        segments: list[Scalar] = []
        languages: list[Scalar] = []
        for segment, value in self.entries(found.get("for"), called, "for", "segment"):
            segments.append(segment)
            self.variant(variants, (segment.value, ""), segment, value, called, (*CHANNELS, "in"))
            inner = value.get("in") if isinstance(value, Mapping) else None
            for language, words in self.entries(inner, called, "in", "language"):
                languages.append(language)
                self.variant(variants, (segment.value, language.value), language, words, called, tuple(CHANNELS))
        for language, value in self.entries(found.get("in"), called, "in", "language"):
            languages.append(language)
            self.variant(variants, ("", language.value), language, value, called, tuple(CHANNELS))
        return MessageText(name, contents, _given(node), variants, tuple(segments), tuple(languages))

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
        variants: dict[tuple[str, str], Variant],
        place: tuple[str, str],
        name: Scalar,
        node: Node,
        called: str,
        known: tuple[str, ...],
    ) -> None:
        called = f"{called}, {spoken_of(*place)}"
        instead = {**_OTHER_WORDS, "for": "for: outside, and in: inside it"}
        found = self.shapes.fields(node, called, known, instead=instead)
        if found is None or not isinstance(node, Mapping):
            return
        contents = self.contents(found, called, whole=False)
        if contents or not found:
            variants[place] = Variant(name, contents, _given(node))

    def contents(self, found: Mapped[str, Node], called: str, *, whole: bool) -> dict[str, Words]:
        contents: dict[str, Words] = {}
        for name, channel in CHANNELS.items():
            content = self.content(channel, found[name], called, whole) if name in found else None
            if content is not None:
                contents[name] = content
        return contents

    def content(self, channel: Channel, node: Node, called: str, whole: bool) -> Words | None:
        """One channel's content; ``whole`` where nothing lies under it, so that no required field may lack."""
        what = f"{called}: {channel.name}"
        if channel.written_as_text and not isinstance(node, Mapping):
            text = self.shapes.text(node, what, free=True)
            return Words({channel.main_field: text}) if text is not None else None
        if channel.examples_for_text is not None and isinstance(node, Scalar):
            in_full, in_variant = channel.examples_for_text
            hint = f"write {channel.name}: {in_full if whole else in_variant}"
            parts = one_of((f"a {name}" for name in channel.required_fields), "and")
            needs = f"needs {parts}" if whole else "says what of it differs"
            self.problems.error(node.mark, f"{what} {needs}", hint)
            return None
        whole = whole or channel.written_as_text
        found = self.shapes.fields(
            node,
            what,
            channel.field_names,
            required=channel.required_fields if whole else (),
            later=channel.later_fields,
            instead={**channel.other_fields, **_BESIDE},
        )
        return self.parts(channel, found, called, what, whole) if found is not None else None

    def parts(self, channel: Channel, found: Mapped[str, Node], called: str, what: str, whole: bool) -> Words | None:
        texts = self.texts(channel, found, what if channel.placed else called)
        show_for = self.shapes.duration(found.get("show_for"), f"{what}: show_for")
        until = self.shapes.choice(found.get("until"), f"{what}: until", ("click",))
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
        return Words(texts, show_for, until == "click" or None)

    def texts(self, channel: Channel, found: Mapped[str, Node], called: str) -> dict[str, Scalar]:
        texts: dict[str, Scalar] = {}
        for field in channel.fields:
            node = found.get(field.name)
            name = channel.name if channel.written_as_text else field.name
            free = field.kind == "text" or (field.kind == "template" and _inline(node))
            text = self.shapes.text(node, f"{called}: {name}", free=free)
            if text is not None:
                texts[field.name] = text
        return texts


def spoken_of(segment: str, language: str) -> str:
    """``for newcomer in de``."""
    return " ".join([*([f"for {segment}"] if segment else []), *([f"in {language}"] if language else [])])


def _given(node: Mapping) -> dict[str, Scalar]:
    return {key.value: key for key, _ in node.entries if key.value in CHANNELS}


def _inline(node: Node | None) -> bool:
    return isinstance(node, Scalar) and " " in node.value.strip()
