"""What customers read, as it is written in a journey file: each message with its contents in their shape."""

from __future__ import annotations

from collections.abc import Mapping as Mapped
from dataclasses import dataclass

from idic.journey.problems import Problems
from idic.journey.shapes import Shapes
from idic.journey.source import Mapping, Node, Scalar
from idic.journey.times import Duration

SHOWN_FOR = Duration(days=7)
"""For how long content stands in its slot where the journey does not say."""

_CHANNELS = ("email", "sms", "web")
_CHANNELS_OF_OTHERS = {
    "mail": "email:", "e_mail": "email:", "newsletter": "email:",
    "text_message": "sms:", "text": "sms: for an SMS, or email: for a mail",
    "banner": "web:", "onsite": "web:", "in_app": "web:", "popup": "web:", "content_card": "web:", "site": "web:",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class EmailText:
    subject: Scalar
    body: Scalar
    preheader: Scalar | None = None
    text: Scalar | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SmsText:
    text: Scalar


@dataclass(frozen=True, slots=True, eq=False)
class WebText:
    slot: Scalar
    body: Scalar
    show_for: Duration = SHOWN_FOR
    ends_on_click: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class MessageText:
    """``contents`` by channel. A channel that is ``given`` and has none is wrong, which has been told."""

    name: Scalar
    contents: Mapped[str, EmailText | SmsText | WebText]
    given: Mapped[str, Scalar]


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
        found = self.shapes.fields(node, called, _CHANNELS, later=("for", "in"), instead=_CHANNELS_OF_OTHERS) or {}
        contents: dict[str, EmailText | SmsText | WebText] = {}
        for channel, read in (("email", self.email), ("sms", self.sms), ("web", self.web)):
            content = read(found[channel], called) if channel in found else None
            if content is not None:
                contents[channel] = content
        if not isinstance(node, Mapping):
            return MessageText(name, contents, dict.fromkeys(_CHANNELS, name))
        return MessageText(name, contents, {key.value: key for key, _ in node.entries if key.value in _CHANNELS})

    def email(self, node: Node, called: str) -> EmailText | None:
        known = ("subject", "preheader", "body", "text")
        found = self.shapes.fields(
            node,
            f"{called}: email",
            known,
            required=("subject", "body"),
            later=("from", "sender", "for", "in", "attachments"),
            instead={
                "html": "body:",
                "mjml": "body:",
                "template": "body:",
                "preview": "preheader:",
                "title": "subject:",
            },
        )
        if found is None:
            return None
        texts = {
            name: self.shapes.text(found.get(name), f"{called}: {name}", free=name != "body" or _inline(found.get(name)))
            for name in known
        }
        subject, body = texts["subject"], texts["body"]
        if subject is None or body is None:
            return None
        if "\n" in subject.value.strip():
            self.problems.error(subject.mark, f"{called}: the subject has several lines", "write one")
        return EmailText(subject, body, texts["preheader"], texts["text"])

    def sms(self, node: Node, called: str) -> SmsText | None:
        if isinstance(node, Mapping):
            words = {"body": "text:", "message": "text:", "subject": "text: alone; an SMS has no subject"}
            later = ("from", "sender", "for", "in")
            found = self.shapes.fields(node, f"{called}: sms", ("text",), required=("text",), later=later, instead=words)
            if found is None or "text" not in found:
                return None
            node = found["text"]
        text = self.shapes.text(node, f"{called}: sms", free=True)
        return SmsText(text) if text is not None else None

    def web(self, node: Node, called: str) -> WebText | None:
        what = f"{called}: web"
        if isinstance(node, Scalar):
            self.problems.error(node.mark, f"{what} needs a slot and a body", "write web: {slot: home_hero, body: hero.html}")
            return None
        words = {"html": "body:", "text": "body:", "place": "slot:", "duration": "show_for:", "expires": "show_for:"}
        known = ("slot", "body", "show_for", "until")
        found = self.shapes.fields(node, what, known, required=("slot", "body"), later=("for", "in"), instead=words)
        if found is None:
            return None
        slot = self.shapes.text(found.get("slot"), f"{what}: slot")
        body = self.shapes.text(found.get("body"), f"{what}: body", free=_inline(found.get("body")))
        show_for = self.shapes.duration(found.get("show_for"), f"{what}: show_for")
        until = self.shapes.choice(found.get("until"), f"{what}: until", ("click",))
        if slot is None or not self.shapes.name(slot, "slot", field=True) or body is None:
            return None
        return WebText(slot, body, show_for or SHOWN_FOR, until == "click")


def _inline(node: Node | None) -> bool:
    return isinstance(node, Scalar) and " " in node.value.strip()
