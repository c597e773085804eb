"""Find and check the templates of a message, in the journey's file or in files of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from idic.journey.channels.channel import TemplateForm
from idic.journey.compiler.names_in_scope import NamesOfJourney
from idic.journey.definition.message_layers import LayeredText, block_in, blocks_in
from idic.journey.expressions.context import Names
from idic.journey.program.values import Attribute
from idic.journey.template_checker import ContentChecker, TemplateProblem
from idic.journey.vocabulary.built_in import OWN_LINKS
from idic.journey.vocabulary.read_vocabulary import Reading
from idic.journey.yaml_source.nodes import Scalar
from idic.problems import Mark, Problems, did_you_mean

Form = Literal["mjml", "html", "text"]

WAYS_OUT = ("links.unsubscribe", "links.preferences")
"""The links with which a customer unsubscribes or changes preferences."""
_OWN_LINKS = tuple(f"links.{name}" for name in OWN_LINKS)
_ENTERED_ON = {"links.confirm": "Consent Given", "links.your_data": "Data Requested"}
"""Links that belong to the entry event: only a journey entered on this event may use them."""
_FILE = re.compile(r"[\w./-]+\.(mjml|html|txt|liquid)")
_RENDER = re.compile(r"\{%-?\s*render\s+['\"]([^'\"]+)['\"]")
_FORMS: dict[str, Form] = {"mjml": "mjml", "html": "html", "liquid": "html", "txt": "text"}
_ABOUT = re.compile(r'"([\w.]+)"')
_UNKNOWN = re.compile(r'"(?P<name>[\w.]+)" does not exist')


class Template(NamedTuple):
    """A template file and its source."""

    file: str
    source: str


class Templates(NamedTuple):
    """The templates of a folder: ``bodies`` by the name that journeys use, such as ``welcome.mjml``; ``blocks`` by the name
    that ``{% render %}`` takes."""

    bodies: Mapping[str, Template] = {}
    blocks: Mapping[str, Template] = {}

    def texts(self) -> dict[str, str]:
        """All sources by file."""
        return {template.file: template.source for template in (*self.bodies.values(), *self.blocks.values())}


class TemplateText(NamedTuple):
    """A text of a message. ``template`` is its file if it has one of its own; ``scalar`` is the place in the journey's file
    where the text, or the name of its file, is written."""

    source: str
    form: Form
    scalar: Scalar
    template: Template | None = None


class TemplateCompiler:
    """Finds and checks the texts of one message.

    ``reads`` and ``blocks`` fill as the texts are checked. A text that several variants share is checked once.
    """

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
        self._bodies: dict[tuple[int, str | None], TemplateText] = {}
        self._checked: dict[tuple[int, str | None], dict[str, dict[str, Attribute]]] = {}

    def text(self, piece: LayeredText, form: TemplateForm, language: str, *, body: bool = False) -> TemplateText:
        """The text, checked in this language (empty: the first one), and added to ``reads`` and ``blocks``."""
        text = self.body(piece) if body else self.plain(piece)
        self.reads |= self.reads_of(piece, text, form, language)
        return text

    def reads_of(self, piece: LayeredText, text: TemplateText, form: TemplateForm, language: str) -> dict[str, Attribute]:
        """The names that a text reads in this language; checks the text if that has not been done."""
        known = self._checked.setdefault((id(piece.scalar), piece.file), {})
        if language not in known:
            # Problems of the text itself are reported once; its blocks may differ in another language.
            known[language] = self.check(text, form, language, again=bool(known))
        return known[language]

    @staticmethod
    def plain(piece: LayeredText) -> TemplateText:
        """A text in the journey's file."""
        return TemplateText(piece.scalar.value, "text", piece.scalar)

    def body(self, piece: LayeredText) -> TemplateText:
        """A body, with its form, from the journey's file or from a file of its own."""
        place = id(piece.scalar), piece.file
        if place not in self._bodies:
            self._bodies[place] = self._body(piece.scalar, piece.file or piece.scalar.value.strip())
        return self._bodies[place]

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
        """The names that a source reads, links included; reports its problems at their place."""
        blocks = blocks_in(self.sources, language)
        checked = self.checker(text.source, self.usable, blocks, form)
        for problem in checked.problems:
            if not again or (problem.block and block_in(problem.block, self.sources, language) != problem.block):
                self.report(problem, text, language)
        reads = dict(checked.reads)
        if not again:
            self.check_own_links([name for name in _OWN_LINKS if name in reads], text, form)
        for name in list(reads):
            root, _, link = name.partition(".")
            if root == "links" and link in self.reading.vocabulary.links:
                reads |= self.link(link, text, again=again)
        self.blocks |= self.rendered_blocks(text.source, language)
        return reads

    def check_own_links(self, links: Iterable[str], text: TemplateText, form: TemplateForm) -> None:
        """Reports links to idic's own pages in texts where they cannot work."""
        for name in links:
            event = _ENTERED_ON.get(name)
            if form == "slot":
                hint = "take it out"
                self.problems.error(_where(name, text), f"{name} does not work in a slot", hint)
            elif event is not None and set(self.entered_on) != {event}:
                message = f"{name} works only in a journey that is entered on {event}"
                self.problems.error(_where(name, text), message, f"use it in a journey with on: {event} alone")

    def report(self, problem: TemplateProblem, text: TemplateText, language: str) -> None:
        """Reports a problem of the checker; of an unreadable name with the reason why it cannot be read."""
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
        """The names that a link's address reads. Problems are reported where the link is used: there the names need values."""
        checked = self.checker(self.reading.vocabulary.links[link], self.names.readable, {})
        mark = _where(f"links.{link}", text)
        for problem in checked.problems if not again else ():
            unknown = _UNKNOWN.match(problem.message)
            absent = _absent(unknown["name"], self.names) if unknown else None
            why = self.names.absent[absent] if absent else problem.message
            self.problems.error(mark, f"links.{link} cannot be written here: {why}", about=("link", link))
        return dict(checked.reads)

    def mark(self, problem: TemplateProblem, text: TemplateText, language: str) -> Mark:
        """The place of a problem: in a block, in a template file, or in the journey's file."""
        if problem.block is not None and (own := block_in(problem.block, self.sources, language)) in self.sources:
            return Mark(self.templates.blocks[own].file, problem.line, problem.column)
        if text.template is not None:
            return Mark(text.template.file, problem.line, problem.column)
        return text.scalar.at_line(problem.line, problem.column)

    def rendered_blocks(self, source: str, language: str) -> dict[str, str]:
        """The blocks that a source renders, and those that these render in turn, by their names in this language."""
        blocks: dict[str, str] = {}
        open_ = [source]
        while open_:
            for name in _RENDER.findall(open_.pop()):
                own = block_in(name, self.sources, language)
                if own in self.sources and own not in blocks:
                    blocks[own] = self.sources[own]
                    open_.append(self.sources[own])
        return blocks


def _absent(name: str, names: Names) -> str | None:
    """The name, or its first part, if there is a known reason why it cannot be read."""
    root = name.partition(".")[0]
    return next((part for part in (name, root) if part in names.absent and part != "links"), None)


def _where(name: str, text: TemplateText) -> Mark:
    """The place where a name first occurs in a text."""
    index = max(0, text.source.find(name))
    if text.template is None:
        return text.scalar.at(index, len(name))
    before = text.template.source[:index]
    return Mark(text.template.file, before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1, len(name))
