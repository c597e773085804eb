"""The vocabulary: every name that a journey may use.

It is stored as JSON beside the programs; the API checks incoming events against it.
"""

from __future__ import annotations

from collections.abc import Mapping as Map
from typing import Any

from idic.frozen import Frozen
from idic.journey.program.values import Attribute, Endpoint, Type
from idic.journey.vocabulary.built_in import ALWAYS_KNOWN, OWN_EVENTS
from idic.journey.vocabulary.translations import Question, Topic, Translations
from idic.journey.vocabulary.types import read, spell


class Vocabulary(Frozen):
    """Names and their types. ``events`` have their properties and include idic's own.

    ``restricted`` customer attributes may be read for some purposes or topics only; ``sensitive`` says of what kind an
    attribute is. The first of ``languages`` is the fallback. ``zone`` (IANA) is for customers whose zone is unknown,
    ``country`` (ISO 3166-1 alpha-2) for telephone numbers without a country code. ``slots`` are places on the shop's own
    site, each with a description; None if the vocabulary has no list. ``about`` maps events about a thing (and not a
    customer) to the kind of thing. ``topics`` are the topics customers choose from, ``questions`` how customers are asked
    for attributes, ``titles`` the customers' words for attributes, ``origins`` where attributes come from.
    """

    currency: str = "EUR"
    languages: tuple[str, ...] = ("en",)
    zone: str = "UTC"
    country: str | None = None
    slots: dict[str, str] | None = None
    customer: dict[str, Attribute] = ALWAYS_KNOWN
    restricted: dict[str, tuple[str, ...]] = {}
    sensitive: dict[str, str] = {}
    things: dict[str, Type] = {}
    events: dict[str, dict[str, Attribute]] = OWN_EVENTS
    about: dict[str, str] = {}
    links: dict[str, str] = {}
    endpoints: dict[str, Endpoint] = {}
    topics: dict[str, Topic] = {}
    questions: dict[str, Question] = {}
    titles: dict[str, Translations] = {}
    origins: dict[str, str] = {}

    def refusals(self, event: str, properties: Map[str, Any]) -> list[str]:
        """Why this event is refused; empty if it is accepted. An undeclared event is accepted.

        An optional property that can't be read counts as missing and is no reason.
        """
        reasons = []
        for name, attribute in self.events.get(event, {}).items():
            if not attribute.required:
                continue
            raw = properties.get(name)
            if raw is None:
                reasons.append(f"{event} needs {name} ({spell(attribute.type)})")
            elif read(attribute.type, raw, siblings={}, currency=self.currency) is None:
                reasons.append(f"{name} of {event} must be {spell(attribute.type)}")
        return reasons
