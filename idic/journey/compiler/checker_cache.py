"""Checking a template once, however many journeys use it: footers, headers and links are in all of them."""

from __future__ import annotations

from collections.abc import Mapping

from idic.journey.channels.channel import TemplateForm
from idic.journey.program.program import Attribute
from idic.journey.template_checker import Checked, ContentChecker


class CheckerCache:
    """A checker that remembers what it found sound. That answer depends on the names that a template reads, and on which
    others begin a dotted name; what is wrong is looked at anew, as its words depend on all names."""

    def __init__(self, checker: ContentChecker) -> None:
        self._checker = checker
        self._sound: dict[object, list[Checked]] = {}
        self._last: tuple[Mapping[str, Attribute], frozenset[str]] = {}, frozenset()

    def __call__(
        self, source: str, names: Mapping[str, Attribute], blocks: Mapping[str, str], form: TemplateForm = "text", /
    ) -> Checked:
        if self._last[0] is not names:  # the texts of one message are checked one after the other
            self._last = names, frozenset([name.partition(".")[0] for name in names])
        found = self._sound.setdefault((source, form, self._last[1], tuple(blocks.items())), [])
        for checked in found:
            if all(names.get(name) == attribute for name, attribute in checked.reads.items()):
                return checked
        checked = self._checker(source, names, blocks, form)
        if not list(checked.problems):
            found.append(checked)
        return checked
