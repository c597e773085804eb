"""Write the request for a call from values that may contain anything.

A value in the address is percent-encoded, and refused where it could change the path all the same. It cannot change the host,
which must not contain a template. A header must not contain control characters, so that no value can end it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, unquote

import httpx
from pydantic import JsonValue, SecretStr

from idic.customize.liquid.filters import Url, whole_number
from idic.customize.templates import Dialect, names_in, render
from idic.errors import CannotCompose
from idic.interact.endpoints.outcome import CannotCall
from idic.interact.endpoints.pinned_transport import EndpointRequest, port_of
from idic.journey.program.program import Program
from idic.journey.program.values import Endpoint
from idic.journey.vocabulary.endpoints import HOST, OWN_HEADERS
from idic.journey.vocabulary.types import value_of

SECRET = "secrets."  # noqa: S105
"""The beginning of the names of secrets in the templates of an endpoint."""

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_WITHOUT_BODY = ("GET", "DELETE")


def variable(secret: str) -> str:
    """The environment variable of a secret, by its name in a template without ``secrets.``."""
    return f"IDIC_SECRET_{secret.upper()}"


def secrets_of(endpoint: Endpoint) -> frozenset[str]:
    """The secrets that an endpoint's templates name, without ``secrets.``."""
    return frozenset(name.removeprefix(SECRET) for name in _names(endpoint) if name.startswith(SECRET))


def missing_secrets(program: Program, secrets: Mapping[str, SecretStr]) -> tuple[str, ...]:
    """The environment variables that the endpoints of a program need and that are not set. ``secrets`` are those that are
    set, by name."""
    needed = {name for step in program.steps.values() if (called := step.called_endpoint()) for name in secrets_of(called)}
    return tuple(sorted({variable(name) for name in needed if name.lower() not in secrets}))


def ask(
    endpoint: Endpoint, given: Mapping[str, JsonValue], secrets: Mapping[str, SecretStr], *, key: str, currency: str
) -> EndpointRequest:
    """The request for one call. ``given`` are values by name, as they are stored; ``key`` is the idempotency key.

    What stands neither in the address nor in a header goes into the query of GET and DELETE, and into a JSON object else.
    Raises ``CannotCall``, which repeats no value and no secret.
    """
    values = _typed(endpoint, given, currency)
    known, told = _needed(endpoint, secrets), {name: _Iso.of(value) for name, value in values.items()}
    # A secret comes from the operator and may contain slashes: some services hand out addresses as secrets.
    url = _url(endpoint.url, {**told, **{name: Url(quote(secret, safe="/")) for name, secret in known.items()}})
    told |= known
    headers = {name.lower(): _header(name, source, told) for name, source in endpoint.headers.items()}
    used = {re.split(r"[.\[]", name, maxsplit=1)[0] for name in _names(endpoint)}
    rest = {name: value for name, value in values.items() if name not in used}
    body = b""
    if endpoint.method in _WITHOUT_BODY:
        if pairs := [pair for name, value in rest.items() for pair in _pairs(name, value)]:
            url = url.copy_with(query="&".join([*filter(None, [url.query.decode("ascii")]), *pairs]).encode("ascii"))
    else:
        body = json.dumps(_json(rest), ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
        headers["content-type"] = b"application/json"
    headers.setdefault("accept", b"application/json")
    headers.setdefault("user-agent", b"idic")
    # Answers must not be compressed: a few bytes could unpack to more than fits into memory.
    return EndpointRequest(
        endpoint.method, url, {**headers, "accept-encoding": b"identity", "idempotency-key": key.encode("ascii")}, body
    )


def _names(endpoint: Endpoint) -> frozenset[str]:
    return names_in(endpoint.url).union(*map(names_in, endpoint.headers.values()))


def _typed(endpoint: Endpoint, given: Mapping[str, JsonValue], currency: str) -> dict[str, Any]:
    read = {
        name: value_of(attribute, given.get(name), siblings={}, currency=currency) for name, attribute in endpoint.takes.items()
    }
    if missing := [name for name, value in read.items() if value is None and endpoint.takes[name].required]:
        raise CannotCall("value_missing", f"{', '.join(missing)} has no value, and the endpoint does not do without")
    return {name: value for name, value in read.items() if value is not None}


def _needed(endpoint: Endpoint, secrets: Mapping[str, SecretStr]) -> dict[str, str]:
    needed = secrets_of(endpoint)
    if missing := sorted(name for name in needed if name.lower() not in secrets):
        raise CannotCall("secret_missing", f"{', '.join(map(variable, missing))} is not set where the worker runs")
    return {SECRET + name: secrets[name.lower()].get_secret_value().strip() for name in needed}


def _url(source: str, values: Mapping[str, object]) -> httpx.URL:
    fixed = HOST.match(source)
    if fixed is None:
        raise CannotCall(
            "bad_url", "an endpoint's url begins with http:// or https:// and a host, with no template and no password in it"
        )
    written = _render(source, values, "url", "its url")
    if _CONTROL.search(written) or " " in written or not written.startswith(fixed[0]):
        raise CannotCall("bad_url", "the address cannot be called")
    if (url := address(written)) is None:
        raise CannotCall("bad_url", "the address cannot be called")
    path_of_source = re.split(r"[?#]", source, maxsplit=1)[0]
    if "{" in path_of_source:
        _check_path(re.split(r"[?#]", written, maxsplit=1)[0], path_of_source)
    return url


def address(written: str, base: httpx.URL | None = None) -> httpx.URL | None:
    """An http(s) address as it is called, without a fragment; None for anything else, and for one with a password in it."""
    try:
        url = (base.join(written) if base else httpx.URL(written)).copy_with(fragment=None)
        fit = url.scheme in ("http", "https") and bool(url.raw_host) and not url.userinfo and 0 < port_of(url) < 2**16
    except (httpx.InvalidURL, ValueError):
        return None
    return url if fit else None


def _check_path(written: str, source: str) -> None:
    """Refuse an address where a value would change the path, also at a server that decodes more often than it should."""
    segments = written.split("/")[3:]
    for segment in segments[:-1] if source.endswith("/") else segments:
        plain = segment
        for _ in range(5):
            plain = unquote(plain)
        if not plain.strip():
            raise CannotCall("value_missing", "a value in the path of the address is empty")
        if plain.strip() in (".", "..") or re.search(r"[/\\\x00-\x1f\x7f]", plain):
            raise CannotCall(
                "unsafe_value", "a value in the path of the address would change which path it is; put it into the query"
            )


def _header(name: str, source: str, values: Mapping[str, object]) -> bytes:
    if not _NAME.fullmatch(name) or name.lower() in OWN_HEADERS:
        raise CannotCall("bad_header", f'a header cannot be called "{name[:40]}"')
    value = _render(source, values, "text", f"its header {name}").strip()
    if _CONTROL.search(value):
        raise CannotCall("bad_header", f"what the header {name} would say is more than one line")
    return value.encode("utf-8", "replace")


def _render(source: str, values: Mapping[str, object], dialect: Dialect, what: str) -> str:
    try:
        return render(source, values, {}, dialect=dialect)
    except CannotCompose as error:
        # The error's own words may repeat what it was writing.
        raise CannotCall(error.code, f"{what} could not be written: a value is missing or unfit") from None


def _pairs(name: str, value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [f"{quote(name, safe='')}={quote(_text(one), safe='')}" for one in values]


def _text(value: Any) -> str:
    match _json(value):
        case str() as text:
            return text.encode("utf-8", "replace").decode()
        case other:
            return json.dumps(other, ensure_ascii=False)


def _json(value: Any) -> JsonValue:
    match value:
        case datetime() | date():
            return value.isoformat()
        case dict():
            return {str(name): _json(field) for name, field in value.items()}
        case list():
            return [_json(item) for item in value]
        case _:
            return whole_number(value)  # type: ignore[return-value]


class _Iso(datetime):
    """A moment that prints as ISO 8601, and is still a moment to templates."""

    @staticmethod
    def of(value: object) -> object:
        return _Iso.fromisoformat(value.isoformat()) if isinstance(value, datetime) else value

    def __str__(self) -> str:
        return self.isoformat()
