"""``/v1/batch``, ``/v1/track``, ``/v1/identify``: Segment's API, so that Segment's clients send here unchanged.

200 means committed. A message id seen before is accepted and changes nothing, so whoever is not sure sends again.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idic.api.bodies import read_body, read_json_object
from idic.api.intake import Intake
from idic.api.keys import Keys, presented, refused
from idic.api.problems import Refusal, answer, explain
from idic.api.vocabulary import PublishedVocabulary
from idic.clock import Clock
from idic.errors import InvalidInput
from idic.identify.messages import Kind, Message, read_message
from idic.journey.vocabulary import Vocabulary

PATHS = frozenset({"/v1/batch", "/v1/track", "/v1/identify"})

_SUCCESS = b'{"success":true}'


class Limits(NamedTuple):
    """Bytes, unpacked: of a batch, and of a message (alone or in a batch)."""

    batch: int = 500 * 1024
    message: int = 32 * 1024


class Ingestion:
    def __init__(self, intake: Intake, vocabulary: PublishedVocabulary, keys: Keys, clock: Clock, limits: Limits) -> None:
        self._intake = intake
        self._vocabulary = vocabulary
        self._keys = keys
        self._clock = clock
        self._limits = limits

    async def batch(self, request: Request) -> Response:
        body, size = await self._read(request, self._limits.batch)
        raws = body.get("batch")
        if not isinstance(raws, list):
            raise InvalidInput("must be a list of messages", where="batch")
        vocabulary = await self._vocabulary.current()
        now, sent_at = self._clock.now(), body.get("sentAt")
        largest = self._limits.message if size > self._limits.message else None
        good: list[Message] = []
        refusals: list[dict[str, Any]] = []
        for index, raw in enumerate(raws):
            try:
                where = f"batch[{index}]"
                message = read_message(raw, where=where, received_at=now, sent_at=sent_at, largest=largest)
                _hold_against(vocabulary, message, where)
            except InvalidInput as error:
                refusals.append({"index": index, "messageId": _message_id(raw), "error": str(error)})
            else:
                good.append(message)
        if refusals and not good:
            why = "no message of this batch can be accepted"
            return answer(400, InvalidInput.code, why, "batch", success=False, refused=refusals)
        if good:
            await self._intake.keep(good)
        return _success([message.warning for message in good if message.warning], refusals)

    async def track(self, request: Request) -> Response:
        return await self._single(request, "track")

    async def identify(self, request: Request) -> Response:
        return await self._single(request, "identify")

    async def _single(self, request: Request, kind: Kind) -> Response:
        body, _ = await self._read(request, self._limits.message)
        vocabulary = await self._vocabulary.current()
        try:
            message = read_message(body, where="", received_at=self._clock.now(), kind=kind, largest=None)
            _hold_against(vocabulary, message, "")
        except InvalidInput as error:
            refusal = {"index": 0, "messageId": _message_id(body), "error": str(error)}
            return explain(error, success=False, refused=[refusal])
        await self._intake.keep([message])
        return _success([message.warning] if message.warning else [], [])

    async def _read(self, request: Request, limit: int) -> tuple[dict[str, Any], int]:
        key = presented(request)
        if key is not None and key not in self._keys:
            raise _wrong_key()
        body = await read_body(request, limit)
        document = read_json_object(body)
        if key is None and document.get("writeKey") not in self._keys:
            raise _wrong_key()
        return document, len(body)


def _wrong_key() -> Refusal:
    return refused("a write key is needed: as the user name of Basic authentication, or as writeKey in the body")


def _hold_against(vocabulary: Vocabulary | None, message: Message, where: str) -> None:
    if vocabulary is None or message.kind != "track":
        return
    reasons = vocabulary.refusals(message.name, message.properties)
    if reasons:
        raise InvalidInput("; ".join(reasons), where=f"{where}.properties" if where else "properties")


def _message_id(raw: object) -> str | None:
    found = raw.get("messageId") if isinstance(raw, dict) else None
    return found[:255].encode("utf-8", "replace").decode() if isinstance(found, str) else None


def _success(warnings: list[str], refusals: list[dict[str, Any]]) -> Response:
    if not warnings and not refusals:
        return Response(_SUCCESS, media_type="application/json")
    document: dict[str, Any] = {"success": True}
    if refusals:
        document["refused"] = refusals
    if warnings:
        document["warnings"] = warnings
    return JSONResponse(document)
