"""What customers read of the vocabulary itself, on pages: topics, questions and the names of attributes, in their languages."""

from __future__ import annotations

from collections.abc import Mapping as Map

from idic.frozen import Frozen
from idic.journey.program.values import Type
from idic.journey.yaml_source.nodes import Mapping, Node, Scalar
from idic.journey.yaml_source.shapes import Shapes
from idic.problems import Problems, did_you_mean, one_of

PREFERENCE_PAGE = "preference page"
"""What ``from:`` says of an attribute that customers are asked for there."""

ASKED = frozenset({"text", "number", "yes/no", "date", "one_of"})
"""The kinds of attributes that a page can ask for."""

Translations = dict[str, str]
"""A text by language; the fallback is always among them."""


class Topic(Frozen):
    """What customers choose to be written to about; ``about`` says what that means for them."""

    title: Translations
    about: Translations = {}


class Question(Frozen):
    """How a customer is asked for an attribute: the question, ``why`` it is asked, and what the options of a ``one_of`` are
    called, where they are called anything but their names."""

    ask: Translations
    why: Translations = {}
    answers: dict[str, Translations] = {}


def in_language(spoken: Map[str, str], language: str) -> str:
    """The text in this language (BCP 47), or its nearest relative, or the fallback: the first."""
    if language in spoken:
        return spoken[language]
    base = language.partition("-")[0]
    related = (text for other, text in spoken.items() if other.partition("-")[0] == base)
    return next(related, next(iter(spoken.values()), ""))


class TranslationReader:
    """Reads these parts of a vocabulary whose ``languages`` are known; the first is the fallback."""

    def __init__(self, shapes: Shapes, problems: Problems, languages: tuple[str, ...]) -> None:
        self.shapes = shapes
        self.problems = problems
        self.languages = languages

    def topic(self, name: Scalar, node: Node) -> Topic | None:
        if not self.shapes.name(name, "topic", field=True):
            return None
        what = f"topic {name.value}"
        if isinstance(node, Scalar):
            title = self.spoken(node, what)
            return Topic(title=title) if title else None
        found = self.shapes.fields(node, what, ("title", "about"), required=("title",))
        title = self.spoken(found.get("title"), f"title of {what}") if found else {}
        return Topic(title=title, about=self.spoken(found.get("about"), f"about of {what}")) if found and title else None

    def question(self, name: Scalar, node: Mapping, type_: Type, *, computed: bool) -> Question | None:
        """The question for an attribute, if it has one."""
        what = f"customer.{name.value}"
        asked = node.get("ask")
        if asked is None:
            for part in ("why", "answers"):
                for key, _ in node.entries:
                    if key.value == part:
                        self.problems.error(key.mark, f"{what}: {part} belongs to a question", "write ask: … as well")
            return None
        origin = node.get("from")
        if not isinstance(origin, Scalar) or origin.value.strip() != PREFERENCE_PAGE:
            hint = f"write from: {PREFERENCE_PAGE}"
            self.problems.error(asked.mark, f"{what} is asked for on the preference page, and does not come from there", hint)
            return None
        if computed or type_.kind not in ASKED:
            why = "idic works it out by itself" if computed else f"a page can ask for {one_of(sorted(ASKED))}"
            self.problems.error(asked.mark, f"{what} cannot be asked for", why)
            return None
        question = self.spoken(asked, f"ask of {what}")
        why_ = self.spoken(node.get("why"), f"why of {what}")
        return Question(ask=question, why=why_, answers=self.answers(node.get("answers"), type_, what)) if question else None

    def answers(self, node: Node | None, type_: Type, what: str) -> dict[str, Translations]:
        if node is None:
            return {}
        if not isinstance(node, Mapping) or type_.kind != "one_of":
            hint = "write answers: {espresso: …} beside a one_of"
            self.problems.error(node.mark, f"{what}: answers are what the options of a one_of are called", hint)
            return {}
        found: dict[str, Translations] = {}
        for key, value in node.entries:
            if key.value not in type_.options:
                hint = did_you_mean(key.value, type_.options) or f"there is {one_of(type_.options)}"
                self.problems.error(key.mark, f"{what}: {key.value} is none of its options", hint)
            elif said := self.spoken(value, f"{key.value} of {what}"):
                found[key.value] = said
        return found

    def spoken(self, node: Node | None, what: str) -> Translations:
        """One text, in the fallback, or one for each language; empty where there is none or it cannot be used."""
        if node is None:
            return {}
        fallback = self.languages[0]
        if not isinstance(node, Mapping):
            text = self.shapes.text(node, what, free=True)
            return {fallback: text.value.strip()} if text else {}
        found: Translations = {}
        for key, value in node.entries:
            text = self.shapes.text(value, f"{what} in {key.value}", free=True)
            if key.value not in self.languages:
                hint = did_you_mean(key.value, self.languages) or f"this vocabulary has {one_of(self.languages, 'and')}"
                self.problems.error(key.mark, f"{what}: {key.value} is none of its languages", hint)
            elif text:
                found[key.value] = text.value.strip()
        if fallback not in found:
            self.problems.error(node.mark, f"{what} is missing in {fallback}, the fallback", f"write {fallback}: …")
            return {}
        # The fallback first: it is what others read.
        return {fallback: found.pop(fallback), **found}
