"""Check a template once for all journeys: footers, headers and links are in every one of them."""

from __future__ import annotations

from collections.abc import Mapping

from idic.journey.channels.channel import TemplateForm
from idic.journey.program.values import Attribute
from idic.journey.template_checker import CheckResult, ContentChecker


class CheckerCache:
    """A checker that remembers the templates without problems.

    That result depends only on the names that a template reads, and on the first parts of all dotted names. A template with
    problems is checked again each time, as the messages depend on all names.
    """

    def __init__(self, checker: ContentChecker) -> None:
        self._checker = checker
        self._sound: dict[object, list[CheckResult]] = {}
        self._last: tuple[Mapping[str, Attribute], frozenset[str]] = {}, frozenset()

    def __call__(
        self, source: str, names: Mapping[str, Attribute], blocks: Mapping[str, str], form: TemplateForm = "text", /
    ) -> CheckResult:
        if self._last[0] is not names:  # the texts of one message come in a row, with the same names
            self._last = names, frozenset([name.partition(".")[0] for name in names])
        sound = self._sound.setdefault((source, form, self._last[1], tuple(blocks.items())), [])
        for checked in sound:
            if all(names.get(name) == attribute for name, attribute in checked.reads.items()):
                return checked
        checked = self._checker(source, names, blocks, form)
        if not list(checked.problems):
            sound.append(checked)
        return checked
