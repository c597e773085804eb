"""The words that customers read for topics, questions and attributes, in their languages."""

from __future__ import annotations

from collections.abc import Mapping as Map

from idic.frozen import Frozen
from idic.journey.program.values import Type
from idic.journey.yaml_source.nodes import Mapping, Node, Scalar
from idic.journey.yaml_source.shapes import Shapes
from idic.problems import Problems, did_you_mean, one_of

PREFERENCE_PAGE = "preference page"
"""The ``from:`` of an attribute that customers are asked for on their preference page."""

ASKED = frozenset({"text", "number", "yes/no", "date", "one_of"})
"""The types of attributes that a page can ask for."""

Translations = dict[str, str]
"""A text by language; the fallback is always there, as the first."""


class Topic(Frozen):
    """A topic that customers can choose: its ``title``, and ``about``, what it means for them."""

    title: Translations
    about: Translations = {}


class Question(Frozen):
    """How customers are asked for an attribute.

    ``why`` is the reason given; ``answers`` are the customers' words for the options of a ``one_of``, where these differ
    from the options' names.
    """

    ask: Translations
    why: Translations = {}
    answers: dict[str, Translations] = {}


def in_language(spoken: Map[str, str], language: str) -> str:
    """The text in this language (BCP 47), else in a related one, else in the fallback, which is the first."""
    if language in spoken:
        return spoken[language]
    base = language.partition("-")[0]
    related = (text for other, text in spoken.items() if other.partition("-")[0] == base)
    return next(related, next(iter(spoken.values()), ""))


class TranslationReader:
    """Reads the translated parts of a vocabulary. The first of ``languages`` is the fallback."""

    def __init__(self, shapes: Shapes, problems: Problems, languages: tuple[str, ...]) -> None:
        self.shapes = shapes
        self.problems = problems
        self.languages = languages

    def topic(self, name: Scalar, node: Node) -> Topic | None:
        """A topic: its title, and perhaps what it is about."""
        if not self.shapes.name(name, "topic", field=True):
            return None
        what = f"topic {name.value}"
        if isinstance(node, Scalar):
            title = self.text(node, what)
            return Topic(title=title) if title else None
        fields = self.shapes.fields(node, what, ("title", "about"), required=("title",))
        title = self.text(fields.get("title"), f"title of {what}") if fields else {}
        return Topic(title=title, about=self.text(fields.get("about"), f"about of {what}")) if fields and title else None

    def question(self, name: Scalar, node: Mapping, type_: Type, *, computed: bool) -> Question | None:
        """The question for an attribute, or None."""
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
            self.problems.error(asked.mark, f"{what} has a question, but does not come from the preference page", hint)
            return None
        if computed or type_.kind not in ASKED:
            why = "idic works it out by itself" if computed else f"a page can ask for {one_of(sorted(ASKED))}"
            self.problems.error(asked.mark, f"{what} cannot be asked for", why)
            return None
        question = self.text(asked, f"ask of {what}")
        why_ = self.text(node.get("why"), f"why of {what}")
        return Question(ask=question, why=why_, answers=self.answers(node.get("answers"), type_, what)) if question else None

    def answers(self, node: Node | None, type_: Type, what: str) -> dict[str, Translations]:
        """The customers' words for the options of a one_of."""
        if node is None:
            return {}
        if not isinstance(node, Mapping) or type_.kind != "one_of":
            hint = "write answers: {espresso: …} beside a one_of"
            self.problems.error(node.mark, f"{what}: answers are what the options of a one_of are called", hint)
            return {}
        answers: dict[str, Translations] = {}
        for key, value in node.entries:
            if key.value not in type_.options:
                hint = did_you_mean(key.value, type_.options) or f"there is {one_of(type_.options)}"
                self.problems.error(key.mark, f"{what}: {key.value} is none of its options", hint)
            elif answer := self.text(value, f"{key.value} of {what}"):
                answers[key.value] = answer
        return answers

    def text(self, node: Node | None, what: str) -> Translations:
        """A text in the fallback language, or one for each language. Empty if there is none or it cannot be used."""
        if node is None:
            return {}
        fallback = self.languages[0]
        if not isinstance(node, Mapping):
            text = self.shapes.text(node, what, free=True)
            return {fallback: text.value.strip()} if text else {}
        translations: Translations = {}
        for key, value in node.entries:
            text = self.shapes.text(value, f"{what} in {key.value}", free=True)
            if key.value not in self.languages:
                hint = did_you_mean(key.value, self.languages) or f"this vocabulary has {one_of(self.languages, 'and')}"
                self.problems.error(key.mark, f"{what}: {key.value} is none of its languages", hint)
            elif text:
                translations[key.value] = text.value.strip()
        if fallback not in translations:
            self.problems.error(node.mark, f"{what} is missing in {fallback}, the fallback", f"write {fallback}: …")
            return {}
        # The fallback comes first: readers of other languages get it.
        return {fallback: translations.pop(fallback), **translations}
