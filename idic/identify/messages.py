"""Read incoming messages of Segment's protocol: valid ones become events, others are refused with place and reason.

A page, a screen, a group and an alias become events with names of idic's own; their data become properties.

A message that was read can be stored in both databases: PostgreSQL stores neither NUL nor half of a surrogate pair, JSON
has no NaN, and endless nesting is an attack or a mistake. Fields that idic does not know are ignored.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple, get_args

from pydantic_core import to_json

from idic.errors import InvalidInput

LONGEST_TEXT = 255
"""Characters in an id or in an event's name."""
LARGEST_MESSAGE = 32 * 1024
"""Bytes of one message as JSON; Segment's limit."""
DEEPEST = 20
"""Levels of objects and lists in properties and traits."""

OWN_MESSAGE_ID = "idic-"
"""The prefix of idic's own message ids, which no sender may use."""

_PAST = timedelta(days=3653)
_AHEAD = timedelta(days=1)

Kind = Literal["track", "identify", "page", "screen", "group", "alias"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class IncomingMessage(NamedTuple):
    """A message as read.

    ``properties`` are the traits, as sent, of an identify. ``occurred_at`` (UTC, corrected for the skew of the sender's
    clock) is None when the sender gave no time or it cannot be right. ``message_id`` is None when idic has to make one.
    ``warning`` is for the sender. ``previous_id`` belongs to an alias: the id by which only ``user_id`` was known before. A
    message with neither ``user_id`` nor ``anonymous_id`` is about a thing.
    """

    kind: Kind
    name: str
    properties: dict[str, Any]
    user_id: str | None = None
    anonymous_id: str | None = None
    message_id: str | None = None
    occurred_at: datetime | None = None
    warning: str | None = None
    previous_id: str | None = None

    @property
    def nobodys(self) -> bool:
        """Whether it is about a thing and not about a customer."""
        return self.user_id is None and self.anonymous_id is None


def read_message(
    raw: object,
    *,
    where: str,
    received_at: datetime,
    kind: Kind | None = None,
    sent_at: object = None,
    largest: int | None = LARGEST_MESSAGE,
    things: Collection[str] = (),
) -> IncomingMessage:
    """Read one message.

    ``where`` is the message's place in the request, as in ``batch[3]``; empty when it is the request. ``kind`` is given by
    the path, else by the message's ``type``. ``sent_at`` is the batch's ``sentAt``, for a message without its own.
    ``largest`` is in bytes; None when the caller knows that the message is small enough. ``things`` are the names of events
    that may be about a thing, and then need no customer.

    Raises ``InvalidInput`` with the place in it.
    """
    if not isinstance(raw, Mapping):
        raise InvalidInput("a message is a JSON object", where=where or None)
    if kind is None:
        kind = _kind(raw.get("type"), where)
    user_id = _identifier(raw.get("userId"), where, "userId")
    anonymous_id = _identifier(raw.get("anonymousId"), where, "anonymousId")
    previous_id = None
    if kind == "alias":
        # An alias says nothing about the browser that it comes from.
        previous_id, anonymous_id = _required(raw.get("previousId"), where, "previousId"), None
        _required(user_id, where, "userId")
    elif user_id is None and anonymous_id is None and not (kind == "track" and _is_in(raw.get("event"), things)):
        raise InvalidInput("say whose this is: userId or anonymousId is required", where=_at(where, "userId"))
    name, properties = _name_and_properties(raw, kind, where)
    if largest is not None:
        _check_size(raw, where, largest)
    occurred_at, warning = _occurred_at(raw, where, received_at, raw.get("sentAt") or sent_at)
    return IncomingMessage(
        kind=kind,
        name=name,
        properties=properties,
        user_id=user_id,
        anonymous_id=anonymous_id,
        message_id=_message_id(raw.get("messageId"), where),
        occurred_at=occurred_at,
        warning=warning,
        previous_id=previous_id,
    )


def read_identifier(raw: object, where: str) -> str:
    """A required id, as text. Raises ``InvalidInput``."""
    return _required(raw, "", where)


def read_object(raw: object, where: str) -> dict[str, Any]:
    """A JSON object that both databases can store; a missing one is empty. Raises ``InvalidInput``."""
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise InvalidInput("must be an object, as in {…}", where=where)
    if not _plainly_storable(raw):
        _check_storable(raw, where, DEEPEST)
    return raw


def read_moment(raw: object, where: str) -> datetime | None:
    """An ISO 8601 moment in UTC. Without an offset it counts as UTC. Raises ``InvalidInput``."""
    if raw is None:
        return None
    if isinstance(raw, str):
        try:
            moment = datetime.fromisoformat(raw.strip())
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise InvalidInput('must be a moment in ISO 8601, such as "2026-03-27T10:00:00Z"', where=where)


def _at(where: str, field: str) -> str:
    return f"{where}.{field}" if where else field


def _kind(raw: object, where: str) -> Kind:
    for kind in KINDS:
        if raw == kind:
            return kind
    error = "is missing; say one of" if raw is None else "must be one of"
    raise InvalidInput(f"{error} {', '.join(KINDS)}", where=_at(where, "type"))


def _name_and_properties(raw: Mapping[str, Any], kind: Kind, where: str) -> tuple[str, dict[str, Any]]:
    """The event's name and properties. An identify has no name, and its properties are the traits."""
    match kind:
        case "track":
            return _event(raw.get("event"), where), read_object(raw.get("properties"), _at(where, "properties"))
        case "identify":
            return "", _traits(raw, where)
        case "page":
            return "Page Viewed", _viewed(raw, where)
        case "screen":
            return "Screen Viewed", _viewed(raw, where)
        case "group":
            group_id = _required(raw.get("groupId"), where, "groupId")
            return "Group Joined", {"group_id": group_id, "traits": read_object(raw.get("traits"), _at(where, "traits"))}
        case "alias":
            return "Identity Aliased", {"previous_id": _required(raw.get("previousId"), where, "previousId")}


def _traits(raw: Mapping[str, Any], where: str) -> dict[str, Any]:
    traits = raw.get("traits")
    context = raw.get("context")
    if traits is None and isinstance(context, Mapping):
        return read_object(context.get("traits"), _at(where, "context.traits"))  # where RudderStack's clients put them
    return read_object(traits, _at(where, "traits"))


def _viewed(raw: Mapping[str, Any], where: str) -> dict[str, Any]:
    properties = read_object(raw.get("properties"), _at(where, "properties"))
    for field in ("name", "category"):
        value = raw.get(field)
        if value is None or value == "":
            continue
        if not isinstance(value, str):
            raise InvalidInput("must be text", where=_at(where, field))
        properties = {**properties, field: _checked_length(value, where, field)}
    return properties


def _required(raw: object, message: str, field: str) -> str:
    identifier = _identifier(raw, message, field)
    if identifier is None:
        raise InvalidInput("is missing", where=_at(message, field))
    return identifier


def _message_id(raw: object, message: str) -> str | None:
    message_id = _identifier(raw, message, "messageId")
    if message_id is not None and message_id.startswith(OWN_MESSAGE_ID):
        raise InvalidInput(f'begins with "{OWN_MESSAGE_ID}", as only idic\'s own may', where=_at(message, "messageId"))
    return message_id


def _identifier(raw: object, message: str, field: str) -> str | None:
    if raw is None:
        return None
    if isinstance(raw, str):
        text = raw
    elif isinstance(raw, int) and not isinstance(raw, bool):
        text = str(raw)
    elif isinstance(raw, float) and math.isfinite(raw):
        # A client that parses its ids as floating point still means the same customer.
        text = str(int(raw)) if raw.is_integer() and abs(raw) < 2**53 else str(raw)
    else:
        raise InvalidInput("must be text or a number", where=_at(message, field))
    if not text or text.isspace():
        raise InvalidInput("is empty", where=_at(message, field))
    return _checked_length(text, message, field)


def _event(raw: object, message: str) -> str:
    if not isinstance(raw, str):
        what = "is missing; the event needs a name" if raw is None else "must be text"
        raise InvalidInput(what, where=_at(message, "event"))
    if not raw or raw.isspace():
        raise InvalidInput("is empty; the event needs a name", where=_at(message, "event"))
    return _checked_length(raw, message, "event")


def _is_in(raw: object, names: Collection[str]) -> bool:
    return isinstance(raw, str) and raw in names


def _checked_length(text: str, message: str, field: str) -> str:
    if len(text) > LONGEST_TEXT:
        what = f"has {len(text)} characters; at most {LONGEST_TEXT} are kept"
        raise InvalidInput(what, where=_at(message, field))
    if not text.isascii() or "\x00" in text:
        _check_text(text, _at(message, field))
    return text


def _occurred_at(
    raw: Mapping[str, Any], where: str, received_at: datetime, sent_at: object
) -> tuple[datetime | None, str | None]:
    """When it happened, and a warning for the sender.

    With ``sentAt`` the sender's clock need not be right: received - (sent - happened). Where ``timestamp`` and
    ``originalTimestamp`` differ, that correction was made before the message came here.
    """
    timestamp = read_moment(raw.get("timestamp"), _at(where, "timestamp"))
    original_timestamp = read_moment(raw.get("originalTimestamp"), _at(where, "originalTimestamp"))
    happened = timestamp or original_timestamp
    if happened is None:
        return None, None
    if sent_at is not None and (timestamp is None or original_timestamp is None or timestamp == original_timestamp):
        try:
            sent = read_moment(sent_at, "sentAt")
        except InvalidInput:
            sent = None  # nothing hangs on it but this correction
        if sent is not None:
            try:
                happened = received_at - (sent - happened)
            except OverflowError:
                happened = datetime.max.replace(tzinfo=UTC)
    if received_at - _PAST < happened < received_at + _AHEAD:
        return happened, None
    return None, f"{_at(where, 'timestamp')}: too far from now to be believed; taken as happening now"


def _check_size(raw: Mapping[str, Any], where: str, largest: int) -> None:
    try:
        size = len(to_json(raw))
    except ValueError:
        what = "is nested too deeply, or holds half of a surrogate pair"
        raise InvalidInput(what, where=where or None) from None
    if size > largest:
        raise InvalidInput(f"has {size} bytes; a message has at most {largest}", where=where or None)


def _plainly_storable(value: dict[str, Any]) -> bool:
    """Whether a quick look shows that the value can be stored. False means: look closely."""
    try:
        text = to_json(value, inf_nan_mode="constants")
    except ValueError:  # half of a surrogate pair
        return False
    return (
        b"\\u0000" not in text
        and b"NaN" not in text
        and b"Infinity" not in text
        and text.count(b"{") + text.count(b"[") <= DEEPEST
    )


def _check_storable(value: object, where: str, levels: int) -> None:
    match value:
        case str():
            _check_text(value, where)
        case float():
            if not math.isfinite(value):
                raise InvalidInput("NaN, Infinity and numbers too large for a double cannot be kept", where=where)
        case dict():
            _check_levels(levels, where)
            for name, item in value.items():
                _check_text(name, where)
                _check_storable(item, f"{where}.{name}", levels - 1)
        case list():
            _check_levels(levels, where)
            for index, item in enumerate(value):
                _check_storable(item, f"{where}[{index}]", levels - 1)


def _check_levels(levels: int, where: str) -> None:
    if levels == 0:
        raise InvalidInput(f"is nested more than {DEEPEST} levels deep", where=where)


def _check_text(text: str, where: str) -> None:
    if "\x00" in text:
        raise InvalidInput("holds a NUL character (\\u0000), which cannot be stored", where=where)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InvalidInput("holds half of a surrogate pair, which is not a character", where=where) from None
