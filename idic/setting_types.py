"""Types and checks that the classes of settings share."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from idic.errors import SettingsError


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]
"""Secrets, separated by commas."""
Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Texts, separated by commas."""


def plain_text(value: str | SecretStr | None) -> str:
    """A setting as text, also where it is secret; empty where it is not set."""
    return (value.get_secret_value() if isinstance(value, SecretStr) else value) or ""


def all_or_none(**needed: str | SecretStr | None) -> tuple[str, ...]:
    """The values of settings that go together, by the names of their variables; empty where none is set. Raises
    ``SettingsError`` where only some are."""
    values = {variable: plain_text(value) for variable, value in needed.items()}
    missing = [variable for variable, value in values.items() if not value]
    if len(missing) == len(values):
        return ()
    if missing:
        raise SettingsError(f"{' and '.join(missing)} missing: {', '.join(values)} are set all together, or none of them")
    return tuple(values.values())


def is_url(text: str) -> bool:
    """Whether this is an http or https address with a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
