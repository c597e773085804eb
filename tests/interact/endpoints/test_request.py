"""What is asked: from values that may hold anything, a request that says what its author meant."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from pydantic import SecretStr

from idic.interact.endpoints.outcome import CannotCall
from idic.interact.endpoints.pinned_transport import EndpointRequest
from idic.interact.endpoints.request import ask, missing_secrets
from idic.journey.program.steps import Call
from idic.journey.program.values import Attribute, Target, Type
from idic.journey.vocabulary.types import MONEY, NUMBER, TEXT
from idic.times import Duration
from tests.interact.endpoints.services import SECRETS, TOKEN, endpoint
from tests.journey.programs import program

MOMENT, DATE, YES = (Type(kind=kind) for kind in ("moment", "date", "yes/no"))


def asked(
    url: str, given: dict[str, Any] | None = None, secrets: dict[str, SecretStr] = SECRETS, **changes: Any
) -> EndpointRequest:
    return ask(endpoint(url, **changes), {"sku": "k1"} if given is None else given, secrets, key="k", currency="EUR")


def test_what_is_not_in_the_address_goes_into_the_query() -> None:
    there = asked("https://erp.example/stock/{{ sku }}?all=1", {"sku": "Kettle 1,5 l", "price": 95.0})
    assert str(there.url) == "https://erp.example/stock/Kettle%201%2C5%20l?all=1&price=95"
    assert there.headers["authorization"] == f"Bearer {TOKEN}".encode()
    assert (there.headers["idempotency-key"], there.headers["user-agent"], there.body) == (b"k", b"idic", b"")


def test_others_send_json_with_money_as_numbers_and_dates_as_iso() -> None:
    takes = {
        "price": MONEY,
        "day": DATE,
        "at": MOMENT,
        "gift": YES,
        "tags": Type(kind="list", of=TEXT),
        "id": TEXT,
        "note": TEXT,
    }
    given = {"price": 95.5, "day": "2026-03-27", "at": "2026-03-27T09:00:00Z", "gift": True, "tags": ["ä", "b"], "id": "o1"}
    there = asked(
        "https://erp.example/orders/{{ id }}",
        given,
        method="PUT",
        takes={name: Attribute(type=type_) for name, type_ in takes.items()},
    )
    assert json.loads(there.body) == {
        "price": 95.5, "day": "2026-03-27", "at": "2026-03-27T09:00:00+00:00", "gift": True, "tags": ["ä", "b"],
    }  # fmt: skip
    assert there.headers["content-type"] == b"application/json"


def test_moments_and_lists_in_an_address() -> None:
    takes = {"at": Attribute(type=MOMENT), "tags": Attribute(type=Type(kind="list", of=NUMBER)), "gift": Attribute(type=YES)}
    given = {"at": "2026-03-27T09:00:00+01:00", "tags": [1, 2.5], "gift": False}
    there = asked("https://erp.example/?since={{ at }}", given, takes=takes)
    assert str(there.url) == "https://erp.example/?since=2026-03-27T08%3A00%3A00%2B00%3A00&tags=1&tags=2.5&gift=false"


@pytest.mark.parametrize("sku", ["../admin", "..", ".", "a/b", "a\\b", "%2e%2e", "%252e%252e%252fadmin", "a%2Fb", " .. "])
def test_a_value_cannot_choose_another_path(sku: str) -> None:
    with pytest.raises(CannotCall) as refused:
        asked("https://erp.example/stock/{{ sku }}/level", {"sku": sku})
    assert refused.value.code == "unsafe_value"
    assert asked("https://erp.example/stock?sku={{ sku }}", {"sku": sku}).url.path == "/stock"


def test_no_value_changes_host_path_or_query() -> None:
    rolled = random.Random(7)
    letters = "/\\.?#&=@:%;+ ä\u2028\r\n\t\x00\x7f<>'\"{}[]|^`~!$()*,😀aZ9"
    for _ in range(400):
        sku = "".join(rolled.choices(letters, k=rolled.randint(1, 8)))
        try:
            there = asked("https://erp.example/stock/{{ sku }}?q={{ sku }}&end=1", {"sku": sku}).url
        except CannotCall:
            continue
        assert (there.host, there.port, there.userinfo, there.fragment) == ("erp.example", None, b"", "")
        assert there.raw_path.count(b"/") == 2
        assert there.raw_path.count(b"?") == 1
        assert there.params.multi_items() == [("q", sku), ("end", "1")]


@pytest.mark.parametrize(
    "url",
    [
        "https://{{ sku }}/stock",
        "https://erp.example{{ sku }}/stock",
        "https://erp.example:{{ sku }}/stock",
        "https://{{ sku }}.example/stock",
        "{{ sku }}",
        "https://user:password@erp.example/stock",
        "https://erp.example@evil.example/",
        "https://erp.example\\@evil.example/",
        "file:///etc/passwd",
        "ftp://erp.example/",
        "//erp.example/",
        "https:///stock",
        "https://erp.example:0/stock",
        "https://erp.example:99999/stock",
        "https://erp .example/stock",
        "https://erp.example/a b",
    ],
)
def test_addresses_that_are_never_called(url: str) -> None:
    with pytest.raises(CannotCall) as refused:
        asked(url, {"sku": "evil.example"})
    assert refused.value.code == "bad_url"


def test_a_value_cannot_end_a_header() -> None:
    for sku in ("a\r\nX-Admin: 1", "a\nb", "a\x00b", "a\x7f"):
        with pytest.raises(CannotCall) as refused:
            asked("https://erp.example/", {"sku": sku}, headers={"X-Sku": "{{ sku }}"})
        assert refused.value.code == "bad_header"
        assert "X-Admin" not in str(refused.value)
    for name in ("X Sku", "X-Sku\r\nX-Admin", "Host", "host", "Content-Length", "Idempotency-Key", "Transfer-Encoding", ""):
        with pytest.raises(CannotCall):
            asked("https://erp.example/", headers={name: "1"})
    assert asked("https://erp.example/", {"sku": "Käse"}, headers={"X-Sku": "{{ sku }}"}).headers["x-sku"] == "Käse".encode()


def test_a_header_keeps_its_value_from_the_query() -> None:
    there = asked("https://erp.example/", headers={"X-Sku": "{{ sku }}"})
    assert (str(there.url), there.headers["x-sku"]) == ("https://erp.example/", b"k1")


def test_what_is_required_must_be_there_and_what_stands_in_the_path_too() -> None:
    for given in ({}, {"sku": None}, {"sku": "  "}):
        with pytest.raises(CannotCall, match="sku"):
            asked("https://erp.example/", given)
    optional = {"sku": Attribute(type=TEXT)}
    for url in ("https://erp.example/{{ sku }}", "https://erp.example/{{ sku | default: '' }}/level"):
        with pytest.raises(CannotCall) as refused:
            asked(url, {}, takes=optional)
        assert refused.value.code == "value_missing"
    assert str(asked("https://erp.example/", {}, takes=optional).url) == "https://erp.example/"


def test_a_secret_that_is_not_set_is_named_by_its_variable() -> None:
    with pytest.raises(CannotCall, match="IDIC_SECRET_ERP_TOKEN is not set") as refused:
        asked("https://erp.example/", secrets={})
    assert refused.value.code == "secret_missing"
    step = Call(id="ask", endpoint=endpoint("https://erp.example/?k={{ secrets.other }}"), within=Duration(seconds=60))
    calling = program(step.model_copy(update={"then": Target(exit="done")}))
    assert missing_secrets(calling, SECRETS) == ("IDIC_SECRET_OTHER",)


def test_a_secret_from_a_file_may_end_with_its_line() -> None:
    there = asked("https://erp.example/", secrets={"erp_token": SecretStr("abc\n")})
    assert there.headers["authorization"] == b"Bearer abc"


def test_a_secret_may_be_a_part_of_the_path_and_values_beside_it_may_not() -> None:
    url, secrets = "https://hooks.example/services/{{ secrets.hook }}/{{ sku }}", {"hook": SecretStr("T0/B0/x?y #z")}
    there = asked(url, secrets=secrets, headers={})
    assert there.url.raw_path == b"/services/T0/B0/x%3Fy%20%23z/k1"
    with pytest.raises(CannotCall):
        asked(url, {"sku": "a/b"}, secrets=secrets, headers={})
