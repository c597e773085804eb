"""Segment's HTTP API, so that Segment's and RudderStack's clients send to idic unchanged.

It serves ``/v1/batch``, a path for each kind of message, the short paths that browsers use, and the settings that Segment's
browser client loads first. 200 means committed. A message id that was seen before is accepted and changes nothing, so a
client that isn't sure may send again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idic.api.group_commit import GroupCommit
from idic.api.keys import ApiKeys, presented, refused
from idic.api.problem_details import HttpRefusal, explain
from idic.api.rates import Rates
from idic.api.request_bodies import read_body
from idic.api.vocabulary import PublishedVocabulary
from idic.clock import Clock
from idic.errors import IdicError, InvalidInput, NotFound
from idic.identify.messages import KINDS, IncomingMessage, Kind, read_message
from idic.interact.consent import EVENTS as CONSENTS
from idic.interact.consent import as_form
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.read_json import read_json_object

SHORT: dict[str, str] = {f"/v1/{name[0]}": f"/v1/{name}" for name in ("batch", *KINDS)}
"""The paths as Segment's browser client names them."""
METRICS = "/v1/m"
OURS_TO_SAY = frozenset({"Data Requested", "Preferences Changed", "Replied"})
"""Events that customers send to idic itself. They cause an export of personal data or a paid SMS, so a write key, which
anybody can read in a page, isn't enough to send them."""
PATHS = frozenset({*SHORT, *SHORT.values(), METRICS})
SETTINGS_PATHS = ("/v1/projects/{write_key}/settings", "/projects/{write_key}/settings")


_SUCCESS = b'{"success":true}'


def is_settings(path: str) -> bool:
    """Whether the path is one of ``SETTINGS_PATHS``."""
    return path.endswith("/settings") and path.startswith(("/v1/projects/", "/projects/"))


class BodyLimits(NamedTuple):
    """The largest batch and the largest message (alone or in a batch), in bytes after unpacking."""

    batch: int = 500 * 1024
    message: int = 32 * 1024


class Ingestion:
    """The ingestion endpoints. ``keys`` are the write keys; ``secrets`` belong to services, which may also send events
    about things.

    ``public_url`` is where browsers reach this API.
    """

    def __init__(
        self,
        intake: GroupCommit,
        vocabulary: PublishedVocabulary,
        keys: ApiKeys,
        secrets: ApiKeys,
        clock: Clock,
        limits: BodyLimits,
        rates: Rates,
        public_url: str,
    ) -> None:
        self._intake = intake
        self._vocabulary = vocabulary
        self._keys = keys
        self._secrets = secrets
        self._clock = clock
        self._limits = limits
        self._rates = rates
        self._protocol, _, self._host = public_url.partition("://")

    async def batch(self, request: Request) -> Response:
        """Accept a batch of messages."""
        body, size, key = await self._read(request, self._limits.batch)
        raws = body.get("batch")
        if not isinstance(raws, list):
            self._rates.use(key)
            raise InvalidInput("must be a list of messages", where="batch")
        self._rates.use(key, len(raws) or 1)
        is_service = key in self._secrets
        vocabulary = await self._vocabulary.current()
        now, sent_at = self._clock.now(), body.get("sentAt")
        largest = self._limits.message if size > self._limits.message else None
        good: list[IncomingMessage] = []
        places: list[str] = []
        refusals: list[dict[str, Any]] = []
        for index, raw in enumerate(raws):
            try:
                where = f"batch[{index}]"
                message = read_message(
                    raw, where=where, received_at=now, sent_at=sent_at, largest=largest, things=_things(vocabulary)
                )
                _hold_against(vocabulary, message, where, is_service=is_service)
                if message.name in CONSENTS and not is_service:
                    message = _as_a_form(message)
            except InvalidInput as error:
                refusals.append({"index": index, "messageId": _message_id(raw), "error": str(error)})
            else:
                good.append(message)
                places.append(where)
        if refusals and not good:
            nothing = InvalidInput("no message of this batch can be accepted", where="batch")
            return tell(nothing, refused=refusals)
        apart = await self._intake.keep(good) if good else ()
        return _success(_warnings(good, places, apart), refusals)

    def single(self, kind: Kind) -> Callable[[Request], Awaitable[Response]]:
        """Make the endpoint for one kind of message."""

        async def one(request: Request) -> Response:
            return await self._single(request, kind)

        return one

    async def metrics(self, request: Request) -> Response:
        """Accept and ignore a client's own metrics, so that the client doesn't retry."""
        await read_body(request, self._limits.message)
        return _success([], [])

    async def settings(self, request: Request) -> Response:
        """The settings that Segment's browser client loads from its ``cdnURL``: send everything here."""
        key = request.path_params["write_key"]
        if key not in self._keys:
            raise NotFound("there is no such write key")
        host = f"{self._host}/v1"
        sending = {"apiKey": key, "apiHost": host, "protocol": self._protocol}
        document = {
            "integrations": {"Segment.io": sending},
            "metrics": {"sampleRate": 0, "host": host, "protocol": self._protocol},
            "plan": {},
            "edgeFunction": {},
        }
        return JSONResponse(document, headers={"Cache-Control": "public, max-age=300"})

    async def _single(self, request: Request, kind: Kind) -> Response:
        body, _, key = await self._read(request, self._limits.message)
        self._rates.use(key)
        is_service = key in self._secrets
        vocabulary = await self._vocabulary.current()
        try:
            message = read_message(
                body, where="", received_at=self._clock.now(), kind=kind, largest=None, things=_things(vocabulary)
            )
            _hold_against(vocabulary, message, "", is_service=is_service)
            if message.name in CONSENTS and not is_service:
                message = _as_a_form(message)
        except InvalidInput as error:
            refusal = {"index": 0, "messageId": _message_id(body), "error": str(error)}
            return tell(error, refused=[refusal])
        return _success(_warnings([message], [""], await self._intake.keep([message])), [])

    async def _read(self, request: Request, limit: int) -> tuple[dict[str, Any], int, str]:
        """Read the body, its size and the key. A secret key is accepted only in the header, because bodies are stored. If
        the key is in the header, a request over the rate is refused before its body is read."""
        key = presented(request)
        if key is not None:
            if key not in self._secrets and key not in self._keys:
                raise _wrong_key()
            self._rates.check(key)
        body = await read_body(request, limit)
        document = read_json_object(body)
        if key is None:
            key = document.get("writeKey")
            if not isinstance(key, str) or key not in self._keys:
                raise _wrong_key()
            self._rates.check(key)
        return document, len(body), key


def tell(error: IdicError, **more: Any) -> Response:
    """Answer a request that can't be accepted. Python clients look for ``code`` and ``message``: without them they retry
    forever."""
    return explain(error, success=False, code=error.code, message=str(error), **more)


def _wrong_key() -> HttpRefusal:
    return refused("a write key is needed: as the user name of Basic authentication, or as writeKey in the body")


def _things(vocabulary: Vocabulary | None) -> Collection[str]:
    return vocabulary.about if vocabulary is not None else ()


def _hold_against(vocabulary: Vocabulary | None, message: IncomingMessage, where: str, *, is_service: bool) -> None:
    if message.kind == "track" and message.name in OURS_TO_SAY and not is_service:
        what = f"{message.name} is what customers say to idic itself: it is taken from its own pages, or with a secret key"
        raise InvalidInput(what, where=f"{where}.event" if where else "event")
    if vocabulary is None or message.kind != "track":
        return
    if message.nobodys and not is_service:
        what = f"{message.name} is about a {vocabulary.about[message.name]}: say whose it is, or send it with a secret key"
        raise InvalidInput(what, where=f"{where}.userId" if where else "userId")
    reasons = vocabulary.refusals(message.name, message.properties)
    if reasons:
        raise InvalidInput("; ".join(reasons), where=f"{where}.properties" if where else "properties")


def _as_a_form(message: IncomingMessage) -> IncomingMessage:
    """Read a consent that came with a write key as an unconfirmed form: anybody can read a write key in a page."""
    return message._replace(properties=as_form(message.properties))


def _message_id(raw: object) -> str | None:
    message_id = raw.get("messageId") if isinstance(raw, dict) else None
    return message_id[:255].encode("utf-8", "replace").decode() if isinstance(message_id, str) else None


def _warnings(messages: Sequence[IncomingMessage], places: Sequence[str], apart: Sequence[IncomingMessage]) -> list[str]:
    warnings = [message.warning for message in messages if message.warning]
    for message, where in zip(messages, places, strict=True) if apart else ():
        if any(message is other for other in apart):
            field = f"{where}.previousId" if where else "previousId"
            warnings.append(
                f"{field}: belongs to another user; idic never merges two users, so this is stored and changes nothing"
            )
    return warnings


def _success(warnings: list[str], refusals: list[dict[str, Any]]) -> Response:
    if not warnings and not refusals:
        return Response(_SUCCESS, media_type="application/json")
    document: dict[str, Any] = {"success": True}
    if refusals:
        document["refused"] = refusals
    if warnings:
        document["warnings"] = warnings
    return JSONResponse(document)
