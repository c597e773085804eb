"""The texts of messages and where they stand: in the journey's file or in a template's, checked there with their blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from idic.journey.channels.channel import TemplateForm
from idic.journey.compiler.names_in_scope import NamesOfJourney
from idic.journey.definition.message_layers import Piece, block_in, blocks_in
from idic.journey.expressions.context import Names
from idic.journey.program.values import Attribute
from idic.journey.template_checker import ContentChecker, TemplateProblem
from idic.journey.vocabulary.built_in import OWN_LINKS
from idic.journey.vocabulary.read_vocabulary import Reading
from idic.journey.yaml_source.nodes import Scalar
from idic.problems import Mark, Problems, did_you_mean

Form = Literal["mjml", "html", "text"]

WAYS_OUT = ("links.unsubscribe", "links.preferences")
"""The links with which somebody gets no more of something."""
_OWN_LINKS = tuple(f"links.{name}" for name in OWN_LINKS)
_ENTERED_ON = {"links.confirm": "Consent Given", "links.your_data": "Data Requested"}
"""The links that are about the very event with which a journey was entered."""
_FILE = re.compile(r"[\w./-]+\.(mjml|html|txt|liquid)")
_RENDER = re.compile(r"\{%-?\s*render\s+['\"]([^'\"]+)['\"]")
_FORMS: dict[str, Form] = {"mjml": "mjml", "html": "html", "liquid": "html", "txt": "text"}
_ABOUT = re.compile(r'"([\w.]+)"')
_UNKNOWN = re.compile(r'"(?P<name>[\w.]+)" does not exist')


class Template(NamedTuple):
    file: str
    source: str


class Templates(NamedTuple):
    """``bodies`` by the name a journey uses, such as ``welcome.mjml``; ``blocks`` by the name that render takes."""

    bodies: Mapping[str, Template] = {}
    blocks: Mapping[str, Template] = {}

    def texts(self) -> dict[str, str]:
        return {template.file: template.source for template in (*self.bodies.values(), *self.blocks.values())}


class TemplateText(NamedTuple):
    """``template`` is the file it stands in if it has one of its own; ``scalar`` where it or its file's name is written."""

    source: str
    form: Form
    scalar: Scalar
    template: Template | None = None


class TemplateCompiler:
    """``reads`` and ``blocks`` of one message fill as its texts are checked; a text of several variants is checked once."""

    def __init__(
        self,
        message: str,
        names: Names,
        of_journey: NamesOfJourney,
        reading: Reading,
        templates: Templates,
        checker: ContentChecker,
        problems: Problems,
    ) -> None:
        self.message = message
        self.names = names
        self.usable = of_journey.for_content(names)
        self.entered_on = of_journey.entered_on
        self.reading = reading
        self.templates = templates
        self.sources = {name: template.source for name, template in templates.blocks.items()}
        self.checker = checker
        self.problems = problems
        self.reads: dict[str, Attribute] = {}
        self.blocks: dict[str, str] = {}
        self._found: dict[tuple[int, str | None], TemplateText] = {}
        self._checked: dict[tuple[int, str | None], dict[str, dict[str, Attribute]]] = {}

    def text(self, piece: Piece, form: TemplateForm, language: str, *, body: bool = False) -> TemplateText:
        """The text, checked as it reads in this language (empty: in the fallback)."""
        text = self.body(piece) if body else self.plain(piece)
        self.reads |= self.reads_of(piece, text, form, language)
        return text

    def reads_of(self, piece: Piece, text: TemplateText, form: TemplateForm, language: str) -> dict[str, Attribute]:
        known = self._checked.setdefault((id(piece.scalar), piece.file), {})
        if language not in known:
            # What is wrong with the text itself has been told; its blocks may be others in another language.
            known[language] = self.check(text, form, language, again=bool(known))
        return known[language]

    @staticmethod
    def plain(piece: Piece) -> TemplateText:
        return TemplateText(piece.scalar.value, "text", piece.scalar)

    def body(self, piece: Piece) -> TemplateText:
        """A body, its form, and the file it stands in if it is in one of its own."""
        place = id(piece.scalar), piece.file
        if place not in self._found:
            self._found[place] = self._body(piece.scalar, piece.file or piece.scalar.value.strip())
        return self._found[place]

    def _body(self, scalar: Scalar, value: str) -> TemplateText:
        if not _FILE.fullmatch(value):
            if value.startswith("<mjml"):
                return TemplateText(scalar.value, "mjml", scalar)
            marked_up = re.search(r"</?[a-z][^>]*>", value, re.IGNORECASE)
            return TemplateText(scalar.value, "html" if marked_up else "text", scalar)
        form = _FORMS[value.rpartition(".")[2]]
        template = self.templates.bodies.get(value)
        if template is None:
            hint = did_you_mean(value, self.templates.bodies) or "put it into the folder templates"
            message = f'message "{self.message}": there is no template {value}'
            self.problems.error(scalar.mark, message, hint, about=("template", value))
            return TemplateText("", form, scalar)
        if form == "mjml" and "<mjml" not in template.source:
            self.problems.error(Mark(template.file, 1, 1), "an MJML body begins with <mjml>", "or name the file .html")
        return TemplateText(template.source, form, scalar, template)

    def check(self, text: TemplateText, form: TemplateForm, language: str, *, again: bool) -> dict[str, Attribute]:
        """What a source reads, links included; its problems are told where they stand."""
        blocks = blocks_in(self.sources, language)
        checked = self.checker(text.source, self.usable, blocks, form)
        for problem in checked.problems:
            if not again or (problem.block and block_in(problem.block, self.sources, language) != problem.block):
                self.tell(problem, text, language)
        reads = dict(checked.reads)
        if not again:
            self.out_of_place([name for name in _OWN_LINKS if name in reads], text, form)
        for name in list(reads):
            root, _, link = name.partition(".")
            if root == "links" and link in self.reading.vocabulary.links:
                reads |= self.link(link, text, again=again)
        self.blocks |= self.rendered(text.source, language)
        return reads

    def out_of_place(self, own: Iterable[str], text: TemplateText, form: TemplateForm) -> None:
        """Links to idic's own pages where they lead nowhere, or too far."""
        for name in own:
            event = _ENTERED_ON.get(name)
            if form == "slot":
                hint = "nobody is written to there; take it out"
                self.problems.error(_where(name, text), f"{name} has no meaning in a slot", hint)
            elif event is not None and set(self.entered_on) != {event}:
                message = f"{name} is for a journey that is entered on {event}, and on nothing else"
                self.problems.error(_where(name, text), message, f"write it in such a journey: on: {event}")

    def tell(self, problem: TemplateProblem, text: TemplateText, language: str) -> None:
        unknown = _UNKNOWN.match(problem.message)
        name = unknown["name"] if unknown else None
        if name in self.names.broken:
            return
        message, _, hint = problem.message.partition("; ")
        about = _ABOUT.match(problem.message)
        mark = self.mark(problem, text, language)._replace(length=len(about[1]) if about else 1)
        absent = _absent(name, self.names) if name else None
        if problem.mild:
            self.problems.warning(mark, message, hint or None)
        elif absent is not None:
            self.problems.error(mark, self.names.absent[absent], about=("name", absent))
        elif name is not None:
            self.problems.error(mark, f"{name} does not exist", hint or None, about=("name", name))
        else:
            self.problems.error(mark, message, hint or None)

    def link(self, link: str, text: TemplateText, *, again: bool) -> dict[str, Attribute]:
        """What the address of a link reads. It is told where the link is used: there its names must have values."""
        checked = self.checker(self.reading.vocabulary.links[link], self.names.readable, {})
        mark = _where(f"links.{link}", text)
        for problem in checked.problems if not again else ():
            unknown = _UNKNOWN.match(problem.message)
            absent = _absent(unknown["name"], self.names) if unknown else None
            why = self.names.absent[absent] if absent else problem.message
            self.problems.error(mark, f"links.{link} cannot be written here: {why}", about=("link", link))
        return dict(checked.reads)

    def mark(self, problem: TemplateProblem, text: TemplateText, language: str) -> Mark:
        if problem.block is not None and (own := block_in(problem.block, self.sources, language)) in self.sources:
            return Mark(self.templates.blocks[own].file, problem.line, problem.column)
        if text.template is not None:
            return Mark(text.template.file, problem.line, problem.column)
        return text.scalar.at_line(problem.line, problem.column)

    def rendered(self, source: str, language: str) -> dict[str, str]:
        """The blocks that this source renders, and those that they render in turn, by the names of their own."""
        found: dict[str, str] = {}
        open_ = [source]
        while open_:
            for name in _RENDER.findall(open_.pop()):
                own = block_in(name, self.sources, language)
                if own in self.sources and own not in found:
                    found[own] = self.sources[own]
                    open_.append(self.sources[own])
        return found


def _absent(name: str, names: Names) -> str | None:
    """The name, or its first part, if there is a reason why it cannot be read."""
    root = name.partition(".")[0]
    return next((part for part in (name, root) if part in names.absent and part != "links"), None)


def _where(name: str, text: TemplateText) -> Mark:
    """The place of a name in a text, where it first stands."""
    index = max(0, text.source.find(name))
    if text.template is None:
        return text.scalar.at(index, len(name))
    before = text.template.source[:index]
    return Mark(text.template.file, before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1, len(name))
