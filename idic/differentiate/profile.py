"""What a customer's attributes say about where and how they live."""

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
    """The IANA zone in which the customer lives; ``fallback`` where we were told none, or none that exists."""
    for name in ("zone", "timezone"):
        zone = traits.get(name)
        if isinstance(zone, str) and zone and _exists(zone):
            return zone
    return fallback


def language_of(traits: Mapping[str, Any], offered: Sequence[str]) -> str:
    """Which of the languages ``offered`` (BCP 47, the first is the fallback) the customer reads: the exact one, else the
    same language of another region."""
    for name in ("language", "locale"):
        wanted = traits.get(name)
        if isinstance(wanted, str):
            wanted = wanted.replace("_", "-").lower()
            for language in offered:
                if language.lower() == wanted:
                    return language
            for language in offered:
                if language.lower().partition("-")[0] == wanted.partition("-")[0]:
                    return language
    return offered[0]
