"""What customers read: which message is sent from where, and whether its templates can be rendered there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

from idic.journey.inference import Names
from idic.journey.names import NamesOfJourney
from idic.journey.paths import Reach, together
from idic.journey.problems import Mark, Problems, did_you_mean
from idic.journey.program import AnyContent, Attribute, Email, Message, Sms, Web
from idic.journey.shapes import arrives_later
from idic.journey.source import Scalar
from idic.journey.vocabulary import Reading
from idic.journey.wording import EmailText, MessageText, SmsText, WebText

Form = Literal["mjml", "html", "text"]
Written = Literal["text", "sms", "slot"]
"""What a source becomes, as far as more is asked of it than of any text or mail: an SMS, or what stands in a slot."""

_FILE = re.compile(r"[\w./-]+\.(mjml|html|txt|liquid)")
_RENDER = re.compile(r"\{%-?\s*render\s+['\"]([^'\"]+)['\"]")
_FORMS: dict[str, Form] = {"mjml": "mjml", "html": "html", "liquid": "html", "txt": "text"}
_CONTENTS = {
    "email": "email: subject and body",
    "sms": 'sms: "…"',
    "web": "web: slot and body",
}
UNSUBSCRIBE = "links.unsubscribe"
_ABOUT = re.compile(r'"([\w.]+)"')
_UNKNOWN = re.compile(r'"(?P<name>[\w.]+)" does not exist')


class TemplateProblem(Protocol):
    """``line`` and ``column`` from 1, in the source, or in that of ``block`` where one is named; ``mild`` is a warning."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...
    @property
    def message(self) -> str: ...
    @property
    def block(self) -> str | None: ...
    @property
    def mild(self) -> bool: ...


class Checked(Protocol):
    @property
    def reads(self) -> dict[str, Attribute]: ...
    @property
    def problems(self) -> Iterable[TemplateProblem]: ...


class ContentChecker(Protocol):
    """Checks one template: ``names`` are all dotted names it may use, ``blocks`` the sources that it may render, ``form``
    what it is to become."""

    def __call__(
        self, source: str, names: Mapping[str, Attribute], blocks: Mapping[str, str], form: Written = "text", /
    ) -> Checked: ...


class Template(NamedTuple):
    file: str
    source: str


class Templates(NamedTuple):
    """``bodies`` by the name a journey uses, such as ``welcome.mjml``; ``blocks`` by the name that render takes."""

    bodies: Mapping[str, Template] = {}
    blocks: Mapping[str, Template] = {}

    def texts(self) -> dict[str, str]:
        return {template.file: template.source for template in (*self.bodies.values(), *self.blocks.values())}


class Content:
    def __init__(
        self,
        messages: Iterable[MessageText],
        reading: Reading,
        names: NamesOfJourney,
        templates: Templates,
        checker: ContentChecker,
        problems: Problems,
    ) -> None:
        self.texts = {message.name.value: message for message in messages}
        self.reading = reading
        self.names = names
        self.templates = templates
        self.blocks = {name: template.source for name, template in templates.blocks.items()}
        self.checker = checker
        self.problems = problems
        self.used: set[tuple[str, str]] = set()

    def sent(self, message: Scalar, channels: Sequence[Scalar], step: str) -> None:
        """A step sends this message: does it exist, and on these channels?"""
        name = message.value
        text = self.texts.get(name)
        if text is None:
            hint = did_you_mean(name, self.texts) or "write its content under customize:"
            self.problems.error(message.mark, f'step "{step}": message "{name}" does not exist', hint, about=("message", name))
            return
        if not channels:  # which has been told; by which of them was meant, nobody knows
            self.used.update((name, channel) for channel in text.given)
        for channel in channels:
            self.used.add((name, channel.value))
            if channel.value not in text.given:
                self.problems.error(
                    channel.mark,
                    f'step "{step}": message "{name}" has no content for {channel.value}',
                    f"write its {_CONTENTS[channel.value]}",
                )

    def messages(self, reaches: Mapping[str, Reach], sent: Mapping[str, str]) -> dict[str, Message]:
        """The messages that are sent, checked with what can be read at every step (``sent``: step → message) that
        does."""
        found: dict[str, Message] = {}
        for name, text in self.texts.items():
            senders = [step for step, message in sent.items() if message == name]
            if not senders:
                hint = "send it from a step, or take it out"
                self.problems.warning(text.name.mark, f'message "{name}" is never sent', hint)
            for channel, key in text.given.items():
                if senders and (name, channel) not in self.used:
                    hint = f"send it by {channel}, or take it out"
                    self.problems.warning(key.mark, f'message "{name}" is never sent by {channel}', hint)
            if not text.contents:
                continue
            reach = together(reaches[step] for step in senders)
            names = self.names.at(reach, f'the message "{name}"')
            message = self.message(name, text, names)
            if senders:
                found[name] = message
        return found

    def message(self, name: str, text: MessageText, names: Names) -> Message:
        reads: dict[str, Attribute] = {}
        sources: list[str] = []
        contents: dict[str, AnyContent] = {}

        def checked(source: str, scalar: Scalar, form: Written = "text", template: Template | None = None) -> str:
            reads.update(self.check(source, scalar, template, names, form))
            sources.append(source)
            return source

        for channel, content in text.contents.items():
            match content:
                case SmsText(text=written):
                    contents[channel] = Sms(text=checked(written.value, written, "sms").strip())
                case WebText():
                    contents[channel] = self.web(name, content, checked)
                case EmailText():
                    contents[channel] = self.email(name, content, checked)
        return Message(id=name, contents=contents, reads=dict(sorted(reads.items())), blocks=self.blocks_of(sources))

    def email(self, name: str, text: EmailText, checked: Callable[..., str]) -> Email:
        body, form, template = self.body(name, text.body)
        subject = checked(text.subject.value, text.subject)
        preheader = checked(text.preheader.value, text.preheader) if text.preheader is not None else None
        own = checked(text.text.value, text.text) if text.text is not None else None
        body = checked(body, text.body, "text", template)
        return Email(subject=subject.strip(), preheader=preheader, body=body, form=form, text=own)

    def web(self, name: str, text: WebText, checked: Callable[..., str]) -> Web:
        slot, slots = text.slot.value, self.reading.vocabulary.slots
        if slots is None:
            hint = "list the places of your site under slots: in vocabulary.yaml, so that a misspelt one is found"
            self.problems.warning(text.slot.mark, f'slot "{slot}" is not declared', hint, about=("slot", slot))
        elif slot not in slots:
            hint = did_you_mean(slot, slots) or "declare it under slots: in vocabulary.yaml"
            self.problems.error(text.slot.mark, f'slot "{slot}" does not exist', hint, about=("slot", slot))
        body, form, template = self.body(name, text.body)
        if form == "mjml":
            self.problems.error(text.body.mark, f'message "{name}": MJML is for mails', "write HTML, in a file .html")
            form = "html"
        body = checked(body, text.body, "slot", template)
        return Web(slot=slot, body=body, form=form, show_for=text.show_for, ends_on_click=text.ends_on_click)

    def body(self, name: str, scalar: Scalar) -> tuple[str, Form, Template | None]:
        """The source of a body, its form, and the file it stands in if it is in one of its own."""
        value = scalar.value.strip()
        if not _FILE.fullmatch(value):
            if value.startswith("<mjml"):
                return scalar.value, "mjml", None
            return scalar.value, "html" if re.search(r"</?[a-z][^>]*>", value, re.IGNORECASE) else "text", None
        form = _FORMS[value.rpartition(".")[2]]
        template = self.templates.bodies.get(value)
        if template is None:
            hint = did_you_mean(value, self.templates.bodies) or "put it into the folder templates"
            message = f'message "{name}": there is no template {value}'
            self.problems.error(scalar.mark, message, hint, about=("template", value))
            return "", form, None
        if form == "mjml" and "<mjml" not in template.source:
            self.problems.error(Mark(template.file, 1, 1), "an MJML body begins with <mjml>", "or name the file .html")
        stem, _, suffix = value.rpartition(".")
        for language in self.reading.vocabulary.languages:
            if f"{stem}.{language}.{suffix}" in self.templates.bodies:
                note = f"{arrives_later(f'content by language ({stem}.{language}.{suffix})')}; everybody gets {value}"
                self.problems.warning(scalar.mark, note)
        return template.source, form, template

    def check(
        self,
        source: str,
        scalar: Scalar,
        template: Template | None,
        names: Names,
        form: Written,
    ) -> dict[str, Attribute]:
        """What a source reads, links included; its problems are told where they stand."""
        usable = self.names.for_content(names)
        checked = self.checker(source, usable, self.blocks, form)
        for problem in checked.problems:
            unknown = _UNKNOWN.match(problem.message)
            name = unknown["name"] if unknown else None
            if name in names.broken:
                continue
            message, _, hint = problem.message.partition("; ")
            about = _ABOUT.match(problem.message)
            mark = self.mark(problem, scalar, template)._replace(length=len(about[1]) if about else 1)
            absent = _absent(name, names) if name else None
            if problem.mild:
                self.problems.warning(mark, message, hint or None)
            elif absent is not None:
                self.problems.error(mark, names.absent[absent], about=("name", absent))
            elif name is not None:
                self.problems.error(mark, f"{name} does not exist", hint or None, about=("name", name))
            else:
                self.problems.error(mark, message, hint or None)
        reads = dict(checked.reads)
        if form == "slot" and UNSUBSCRIBE in reads:
            mark = _where(UNSUBSCRIBE, scalar, template, source)
            self.problems.error(mark, f"{UNSUBSCRIBE} has no meaning in a slot", "nobody is written to there; take it out")
        for name in list(reads):
            root, _, link = name.partition(".")
            if root == "links" and link in self.reading.vocabulary.links:
                reads |= self.link(link, scalar, template, source, names)
        return reads

    def link(self, link: str, scalar: Scalar, template: Template | None, source: str, names: Names) -> dict[str, Attribute]:
        """What the address of a link reads. It is told where the link is used: there its names must have values."""
        checked = self.checker(self.reading.vocabulary.links[link], names.readable, {})
        mark = _where(f"links.{link}", scalar, template, source)
        for problem in checked.problems:
            unknown = _UNKNOWN.match(problem.message)
            absent = _absent(unknown["name"], names) if unknown else None
            why = names.absent[absent] if absent else problem.message
            self.problems.error(mark, f"links.{link} cannot be written here: {why}", about=("link", link))
        return dict(checked.reads)

    def mark(self, problem: TemplateProblem, scalar: Scalar, template: Template | None) -> Mark:
        if problem.block is not None and problem.block in self.templates.blocks:
            return Mark(self.templates.blocks[problem.block].file, problem.line, problem.column)
        if template is not None:
            return Mark(template.file, problem.line, problem.column)
        return scalar.at_line(problem.line, problem.column)

    def blocks_of(self, sources: Iterable[str]) -> dict[str, str]:
        """The blocks that these sources render, and those that they render in turn."""
        found: dict[str, str] = {}
        open_ = list(sources)
        while open_:
            for name in _RENDER.findall(open_.pop()):
                if name in self.blocks and name not in found:
                    found[name] = self.blocks[name]
                    open_.append(self.blocks[name])
        return dict(sorted(found.items()))


def _absent(name: str, names: Names) -> str | None:
    """The name, or its first part, if there is a reason why it cannot be read."""
    root = name.partition(".")[0]
    return next((part for part in (name, root) if part in names.absent and part != "links"), None)


def _where(name: str, scalar: Scalar, template: Template | None, source: str) -> Mark:
    """The place of a name in a source, where it first stands."""
    index = max(0, source.find(name))
    if template is None:
        return scalar.at(index, len(name))
    before = template.source[:index]
    return Mark(template.file, before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1, len(name))
