"""Turn a trait's name into the name of a customer attribute."""

from __future__ import annotations

import re
from functools import lru_cache

_ACRONYM = re.compile(r"([A-Z]+)([A-Z][a-z])")
_HUMP = re.compile(r"([a-z0-9])([A-Z])")
_OTHER = re.compile(r"\W+")


@lru_cache(maxsize=4096)
def attribute_name(trait: str) -> str:
    """``firstName``, ``First Name`` and ``first-name`` all become ``first_name``. Empty when there is no letter in it."""
    humps = _HUMP.sub(r"\1_\2", _ACRONYM.sub(r"\1_\2", trait))
    return _OTHER.sub("_", humps).strip("_").lower()
