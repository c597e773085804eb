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
    """``customer``, ``events``, ``things`` and ``links`` by name; events are with their properties, and with idic's
    own.

    ``restricted`` are the customer attributes that only some purposes or topics may read; ``sensitive`` say of what
    kind. The first of ``languages`` is the fallback; ``zone`` (IANA) serves customers whose zone nobody knows, and
    ``country`` (ISO 3166-1 alpha-2) telephone numbers that do not say theirs. ``slots`` are the places on the shop's own
    site, each with what it is in words; None where the vocabulary does not list them. ``about`` says of events that are
    about a thing, and not about a customer, what thing that is. ``topics`` are what customers choose from, ``questions`` how
    they are asked for attributes; ``titles`` is what they call attributes, and ``origins`` says where those come from.
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
        """Why this event is refused; empty when it is welcome. An event that nobody declared is welcome.

        What is not required and cannot be read counts as missing, and refuses nothing.
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
