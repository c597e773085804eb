"""Reading one message: what is accepted, and what is refused by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from idic.errors import InvalidInput
from idic.identify.messages import IncomingMessage, read_message
from idic.identify.names import attribute_name
from tests.api.store_queries import identify, track

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def read(raw: object, **more: Any) -> IncomingMessage:
    return read_message(raw, where="batch[3]", received_at=NOW, **more)


def test_a_track_message_is_read() -> None:
    assert read(track(messageId="m1", context={"ip": "::1"})) == IncomingMessage(
        kind="track", name="Cart Updated", properties={"total": 80}, user_id="anna", message_id="m1"
    )


def test_an_identify_message_keeps_traits_as_sent() -> None:
    message = read(identify())
    assert (message.kind, message.name, message.properties) == ("identify", "", {"firstName": "Anna"})


def test_where_rudderstack_puts_the_traits_they_are_found() -> None:
    assert read({"type": "identify", "userId": "anna", "context": {"traits": {"vip": True}}}).properties == {"vip": True}
    assert read(identify(context={"traits": {"vip": True}})).properties == {"firstName": "Anna"}
    assert read({"type": "identify", "userId": "anna", "context": "none"}).properties == {}


def test_a_page_and_a_screen_are_events_and_the_call_knows_their_name_best() -> None:
    properties = {"name": "home", "path": "/beans", "category": "shop"}
    page = {"type": "page", "userId": "anna", "name": "Beans", "category": "", "properties": properties}
    assert read(page) == IncomingMessage("page", "Page Viewed", {"name": "Beans", "path": "/beans", "category": "shop"}, "anna")
    screen = {"type": "screen", "anonymousId": "phone", "name": None, "category": "Shop"}
    assert read(screen) == IncomingMessage("screen", "Screen Viewed", {"category": "Shop"}, anonymous_id="phone")
    assert properties["name"] == "home"


def test_a_group_is_an_event_of_whoever_joined() -> None:
    group = {"type": "group", "userId": "anna", "groupId": 7, "traits": {"name": "Roasters"}}
    assert read(group) == IncomingMessage("group", "Group Joined", {"group_id": "7", "traits": {"name": "Roasters"}}, "anna")


def test_an_alias_is_about_two_ids_and_not_about_the_browser() -> None:
    alias = {"type": "alias", "userId": "anna", "previousId": "phone", "anonymousId": "tablet"}
    assert read(alias) == IncomingMessage("alias", "Identity Aliased", {"previous_id": "phone"}, "anna", previous_id="phone")


@pytest.mark.parametrize(("sent", "kept"), [(17, "17"), (17.0, "17"), (1.5, "1.5"), ("017", "017"), (" a ", " a ")])
def test_numbers_are_ids_too(sent: object, kept: str) -> None:
    assert read(track(userId=sent)).user_id == kept


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        ("text", "batch[3]: a message is a JSON object"),
        (track(None), "batch[3].userId: say whose this is: userId or anonymousId is required"),
        (track(""), "batch[3].userId: is empty"),
        (track(" \t"), "batch[3].userId: is empty"),
        (track(userId=True), "batch[3].userId: must be text or a number"),
        (track(userId=["anna"]), "batch[3].userId: must be text or a number"),
        (track(userId=float("nan")), "batch[3].userId: must be text or a number"),
        (track("x" * 256), "batch[3].userId: has 256 characters; at most 255 are kept"),
        (track("a\0b"), "batch[3].userId: holds a NUL character (\\u0000), which cannot be stored"),
        (track(anonymousId=""), "batch[3].anonymousId: is empty"),
        (track(userId=10**400), "batch[3].userId: has 401 characters; at most 255 are kept"),
        (track(messageId=10**400), "batch[3].messageId: has 401 characters; at most 255 are kept"),
        (track(messageId="m" * 256), "batch[3].messageId: has 256 characters; at most 255 are kept"),
        (track(event=None), "batch[3].event: is missing; the event needs a name"),
        (track(event=" "), "batch[3].event: is empty; the event needs a name"),
        (track(event=7), "batch[3].event: must be text"),
        (track(properties=[1]), "batch[3].properties: must be an object, as in {…}"),
        (identify(traits="vip"), "batch[3].traits: must be an object, as in {…}"),
        (track(type=None), "batch[3].type: is missing; say one of track, identify, page, screen, group, alias"),
        (track(type="tarck"), "batch[3].type: must be one of track, identify, page, screen, group, alias"),
        (track(type=["track"]), "batch[3].type: must be one of"),
        (track(messageId="idic-delivered:t1"), 'batch[3].messageId: begins with "idic-", as only idic\'s own may'),
        ({"type": "page"}, "batch[3].userId: say whose this is"),
        ({"type": "page", "userId": "anna", "name": 7}, "batch[3].name: must be text"),
        ({"type": "page", "userId": "anna", "properties": []}, "batch[3].properties: must be an object"),
        ({"type": "screen", "userId": "anna", "category": "x" * 256}, "batch[3].category: has 256 characters"),
        ({"type": "group", "userId": "anna"}, "batch[3].groupId: is missing"),
        ({"type": "group", "userId": "anna", "groupId": "g", "traits": "x"}, "batch[3].traits: must be an object"),
        ({"type": "alias", "userId": "anna"}, "batch[3].previousId: is missing"),
        ({"type": "alias", "anonymousId": "phone", "previousId": "phone"}, "batch[3].userId: is missing"),
        ({"type": "identify", "userId": "anna", "context": {"traits": "vip"}}, "batch[3].context.traits: must be an object"),
        (track(timestamp="yesterday"), "batch[3].timestamp: must be a moment in ISO 8601"),
        (track(timestamp=1772442000), "batch[3].timestamp: must be a moment in ISO 8601"),
        (track(properties={"a": {"b": ["x", "\0"]}}), "batch[3].properties.a.b[1]: holds a NUL character"),
        (track(properties={"a\0": 1}), "batch[3].properties: holds a NUL character"),
        (track(properties={"a": "\ud800"}), "batch[3].properties.a: holds half of a surrogate pair"),
        (track(properties={"a": [float("inf")]}), "batch[3].properties.a[0]: NaN, Infinity and numbers too large"),
        (track(properties={"total": float("nan")}), "batch[3].properties.total: NaN, Infinity"),
    ],
)
def test_a_bad_message_is_refused_with_the_place(raw: object, complaint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(raw)
    assert str(caught.value).startswith(complaint)


def test_what_only_looks_dangerous_is_kept() -> None:
    harmless = {"emoji": "🛒 \\u0000", "name": "Łucja Ünsal 山田", "rows": [{"sku": "a"}] * 30}
    assert read(track(properties=harmless)).properties == harmless


def test_depth_is_bounded() -> None:
    deep: dict[str, Any] = {}
    for _ in range(19):
        deep = {"deeper": deep}
    assert read(track(properties=deep))
    with pytest.raises(InvalidInput, match="nested more than 20 levels"):
        read(track(properties={"deeper": deep}))


def test_a_message_has_at_most_32_kilobytes() -> None:
    with pytest.raises(InvalidInput, match=r"batch\[3\]: has 4\d+ bytes; a message has at most 32768"):
        read(track(context={"page": "ü" * 20_000}))


def test_a_sender_who_says_no_offset_means_utc() -> None:
    assert read(track(timestamp="2026-03-02T08:00:00")).occurred_at == NOW - timedelta(hours=1)
    assert read(track(timestamp="2026-03-02T09:00:00+02:00")).occurred_at == NOW - timedelta(hours=2)


def test_the_skew_of_a_wrong_clock_is_taken_out() -> None:
    wrong = {"timestamp": "2031-01-01T00:00:00Z", "sentAt": "2031-01-01T00:00:05Z"}
    assert read(track(**wrong)).occurred_at == NOW - timedelta(seconds=5)
    original = {"originalTimestamp": "2031-01-01T00:00:00Z"}
    assert read(track(**original), sent_at="2031-01-01T00:00:07Z").occurred_at == NOW - timedelta(seconds=7)


def test_a_timestamp_that_was_corrected_before_stays() -> None:
    relayed = {
        "timestamp": "2026-03-01T12:00:00Z",
        "originalTimestamp": "2031-01-01T00:00:00Z",
        "sentAt": "2031-01-01T00:00:05Z",
    }
    assert read(track(**relayed)).occurred_at == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_an_unreadable_sent_at_corrects_nothing() -> None:
    assert read(track(timestamp="2026-03-02T08:00:00Z"), sent_at="soon").occurred_at == NOW - timedelta(hours=1)


@pytest.mark.parametrize("far", ["1970-01-01T00:00:00Z", "2026-03-04T00:00:00Z", "0001-01-01T00:00:00+00:00", "9999-12-31"])
def test_a_time_far_off_is_not_believed(far: str) -> None:
    message = read(track(timestamp=far))
    assert message.occurred_at is None
    assert message.warning == "batch[3].timestamp: too far from now to be believed; taken as happening now"
    assert read(track(timestamp=far), sent_at="0001-01-01T00:00:00Z").kind == "track"


@pytest.mark.parametrize(
    ("trait", "attribute"),
    [
        ("firstName", "first_name"), ("First Name", "first_name"), ("first-name", "first_name"), ("email", "email"),
        ("value_tier", "value_tier"), ("spent90d", "spent90d"), ("homeURL", "home_url"), ("URLOfShop", "url_of_shop"),
        ("Größe", "größe"), ("$name", "name"), ("!", ""),
    ],
)  # fmt: skip
def test_traits_become_attributes(trait: str, attribute: str) -> None:
    assert attribute_name(trait) == attribute
