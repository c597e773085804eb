"""What customers read, as it is written in a journey file: each message with its contents in their shape."""

from __future__ import annotations

from dataclasses import dataclass

from idic.journey.problems import Problems
from idic.journey.shapes import Shapes
from idic.journey.source import Mapping, Node, Scalar


@dataclass(frozen=True, slots=True, eq=False)
class EmailText:
    subject: Scalar
    body: Scalar
    preheader: Scalar | None = None
    text: Scalar | None = None


@dataclass(frozen=True, slots=True, eq=False)
class MessageText:
    """``email`` None: there is none, or ``email_given`` is set and it is wrong, which has been told."""

    name: Scalar
    email: EmailText | None = None
    email_given: bool = False


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
        found = self.shapes.fields(node, called, ("email",), later=("sms", "web", "for", "in"))
        email = self.email(found["email"], called) if found and "email" in found else None
        return MessageText(name, email, email_given=found is None or "email" in found)

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


def _inline(node: Node | None) -> bool:
    return isinstance(node, Scalar) and " " in node.value.strip()
