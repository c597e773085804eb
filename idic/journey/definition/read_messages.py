"""What customers read, as it is written in a journey file: each message with its contents in their shape.

What differs for a segment (``for:``) or in a language (``in:``) is written in the same shape, with less in it.
"""

from __future__ import annotations

from collections.abc import Mapping as Mapped
from dataclasses import dataclass
from dataclasses import field as having

from idic.journey.yaml_source.nodes import Mapping, Node, Scalar
from idic.journey.yaml_source.shapes import Shapes
from idic.problems import Problems
from idic.times import Duration

CHANNELS = ("email", "sms", "web")
_VARIANTS = ("for", "in")
SHOWN_FOR = Duration(days=7)
"""For how long content stands in its slot where the journey does not say."""
_CHANNELS_OF_OTHERS = {
    "mail": "email:", "e_mail": "email:", "newsletter": "email:",
    "text_message": "sms:", "text": "sms: for an SMS, or email: for a mail",
    "banner": "web:", "onsite": "web:", "in_app": "web:", "popup": "web:", "content_card": "web:", "site": "web:",
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
        found = self.shapes.fields(node, called, known, instead=_CHANNELS_OF_OTHERS) or {}
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
                self.variant(variants, (segment.value, language.value), language, words, called, CHANNELS)
        for language, value in self.entries(found.get("in"), called, "in", "language"):
            languages.append(language)
            self.variant(variants, ("", language.value), language, value, called, CHANNELS)
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
        instead = {**_CHANNELS_OF_OTHERS, "for": "for: outside, and in: inside it"}
        found = self.shapes.fields(node, called, known, instead=instead)
        if found is None or not isinstance(node, Mapping):
            return
        contents = self.contents(found, called, whole=False)
        if contents or not found:
            variants[place] = Variant(name, contents, _given(node))

    def contents(self, found: Mapped[str, Node], called: str, *, whole: bool) -> dict[str, Words]:
        contents: dict[str, Words] = {}
        for channel, read in (("email", self.email), ("sms", self.sms), ("web", self.web)):
            content = read(found[channel], called, whole) if channel in found else None
            if content is not None:
                contents[channel] = content
        return contents

    def email(self, node: Node, called: str, whole: bool) -> Words | None:
        known = ("subject", "preheader", "body", "text")
        found = self.shapes.fields(
            node,
            f"{called}: email",
            known,
            required=("subject", "body") if whole else (),
            later=("from", "sender", "attachments"),
            instead={
                "html": "body:",
                "mjml": "body:",
                "template": "body:",
                "preview": "preheader:",
                "title": "subject:",
                **_BESIDE,
            },
        )
        if found is None:
            return None
        texts = self.texts(found, known, called, free=("subject", "preheader", "text"))
        if whole and not {"subject", "body"} <= texts.keys():
            return None
        subject = texts.get("subject")
        if subject is not None and "\n" in subject.value.strip():
            self.problems.error(subject.mark, f"{called}: the subject has several lines", "write one")
        return Words(texts)

    def sms(self, node: Node, called: str, whole: bool) -> Words | None:
        if isinstance(node, Mapping):
            words = {"body": "text:", "message": "text:", "subject": "text: alone; an SMS has no subject", **_BESIDE}
            later = ("from", "sender")
            found = self.shapes.fields(node, f"{called}: sms", ("text",), required=("text",), later=later, instead=words)
            if found is None or "text" not in found:
                return None
            node = found["text"]
        text = self.shapes.text(node, f"{called}: sms", free=True)
        return Words({"text": text}) if text is not None else None

    def web(self, node: Node, called: str, whole: bool) -> Words | None:
        what = f"{called}: web"
        if isinstance(node, Scalar):
            hint = "write web: {slot: home_hero, body: hero.html}" if whole else "write web: {body: hero.html}"
            needs = "needs a slot and a body" if whole else "says what of it differs"
            self.problems.error(node.mark, f"{what} {needs}", hint)
            return None
        words = {"html": "body:", "text": "body:", "place": "slot:", "duration": "show_for:", "expires": "show_for:", **_BESIDE}
        known = ("slot", "body", "show_for", "until")
        found = self.shapes.fields(node, what, known, required=("slot", "body") if whole else (), instead=words)
        if found is None:
            return None
        texts = self.texts(found, ("slot", "body"), what, free=())
        show_for = self.shapes.duration(found.get("show_for"), f"{what}: show_for")
        until = self.shapes.choice(found.get("until"), f"{what}: until", ("click",))
        slot = texts.get("slot")
        if slot is not None and not self.shapes.name(slot, "slot", field=True):
            return None
        if whole and not {"slot", "body"} <= texts.keys():
            return None
        return Words(texts, show_for, until == "click" or None)

    def texts(self, found: Mapped[str, Node], names: tuple[str, ...], called: str, free: tuple[str, ...]) -> dict[str, Scalar]:
        texts: dict[str, Scalar] = {}
        for name in names:
            node = found.get(name)
            loose = name in free or (name == "body" and _inline(node))
            text = self.shapes.text(node, f"{called}: {name}", free=loose)
            if text is not None:
                texts[name] = text
        return texts


def spoken_of(segment: str, language: str) -> str:
    """``for newcomer in de``."""
    return " ".join([*([f"for {segment}"] if segment else []), *([f"in {language}"] if language else [])])


def _given(node: Mapping) -> dict[str, Scalar]:
    return {key.value: key for key, _ in node.entries if key.value in CHANNELS}


def _inline(node: Node | None) -> bool:
    return isinstance(node, Scalar) and " " in node.value.strip()
