"""A customer's time zone and language, from their attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo


@lru_cache(maxsize=1024)
def _exists(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return False
    return True


def zone_of(traits: Mapping[str, Any], fallback: str) -> str:
    """The IANA zone in which the customer lives; ``fallback`` if none is known, or it does not exist."""
    for name in ("zone", "timezone"):
        zone = traits.get(name)
        if isinstance(zone, str) and zone and _exists(zone):
            return zone
    return fallback


def language_of(traits: Mapping[str, Any], offered: Sequence[str]) -> str:
    """The language among ``offered`` (BCP 47, the first is the fallback) that the customer reads.

    The exact one if it is offered, else the same language of another region.
    """
    for name in ("language", "locale"):
        language_tag = traits.get(name)
        if isinstance(language_tag, str):
            language_tag = language_tag.replace("_", "-").lower()
            for language in offered:
                if language.lower() == language_tag:
                    return language
            for language in offered:
                if language.lower().partition("-")[0] == language_tag.partition("-")[0]:
                    return language
    return offered[0]
