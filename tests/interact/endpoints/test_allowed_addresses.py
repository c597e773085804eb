"""Who may be called: the public internet, whom the operator named, and nobody by a detour."""

from __future__ import annotations

from ipaddress import ip_address

import httpx
import pytest

from idic.interact.endpoints import Answered, CallLater, Failed
from idic.interact.endpoints.allowed_addresses import is_public, system_addresses
from tests.interact.endpoints.services import HOST, TOKEN, Places, Wire, call, endpoint

PUBLIC = "93.184.216.34"
GOOD = {"level": 3}


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.8.8.8", "169.254.169.254", "172.16.0.1", "172.31.255.255",
        "192.0.0.8", "192.168.1.1", "192.88.99.1", "198.18.0.1", "203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1",
        "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:93.184.216.34", "::127.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "fc00::1", "fd00:ec2::254",
        "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "5f00::1",
    ],
)  # fmt: skip
def test_these_are_not_the_public_internet(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001::1"])
def test_these_are(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "0", "[::1]", "[::ffff:127.0.0.1]", "localhost"]
)
async def test_however_this_machine_is_written_it_is_not_called(host: str) -> None:
    wire = Wire()
    outcome = await call(endpoint(f"http://{host}/"), resolve=system_addresses, transport=wire)
    assert isinstance(outcome, (Failed, CallLater))
    assert outcome.code in ("address_refused", "bad_url", "unreachable")
    assert wire.requests == []


async def test_the_address_that_was_checked_is_connected_to_under_the_hosts_name() -> None:
    places = Places(erp_example=[[PUBLIC], ["127.0.0.1"]])  # what it says the second time is another matter
    wire = Wire(httpx.Response(200, json=GOOD))
    assert await call(endpoint("https://erp.example:8443/stock?sku={{ sku }}"), places, transport=wire) == Answered(GOOD)
    (request,) = wire.requests
    assert (request.url.host, request.url.port, request.headers["host"]) == (PUBLIC, 8443, "erp.example:8443")
    assert request.extensions["sni_hostname"] == "erp.example"
    assert places.asked == ["erp.example"]


async def test_an_address_of_ipv6_is_written_as_one() -> None:
    wire = Wire(httpx.Response(200, json=GOOD))
    await call(endpoint("https://erp.example/"), Places(erp_example=[["2606:4700::1111"]]), transport=wire)
    assert str(wire.requests[0].url) == "https://[2606:4700::1111]/?sku=k1"
    assert wire.requests[0].headers["host"] == "erp.example"


async def test_one_private_address_among_public_ones_refuses_the_host() -> None:
    wire = Wire()
    outcome = await call(endpoint("https://erp.example/"), Places(erp_example=[[PUBLIC, "10.0.0.1"]]), transport=wire)
    assert isinstance(outcome, Failed)
    assert outcome.code == "address_refused"
    assert "IDIC_CALL_PRIVATE" in outcome.detail
    assert wire.requests == []


async def test_the_next_address_is_tried_where_the_first_takes_no_connection() -> None:
    places = Places(erp_example=[["2606:4700::1111", PUBLIC, "1.1.1.1"]])
    wire = Wire(httpx.ConnectError("no route"), httpx.Response(200, json=GOOD))
    assert await call(endpoint("https://erp.example/"), places, transport=wire) == Answered(GOOD)
    assert [request.url.host for request in wire.requests] == ["2606:4700::1111", PUBLIC]


async def test_a_host_the_operator_named_may_be_private_but_not_where_clouds_keep_secrets() -> None:
    wire = Wire(httpx.Response(200, json=GOOD))
    assert await call(endpoint("http://ERP.test./"), Places(**{"erp_test.": [["10.0.0.1"]]}), transport=wire) == Answered(GOOD)
    for address in ("169.254.169.254", "0.0.0.0", "224.0.0.1", "::ffff:10.0.0.1"):
        outcome = await call(endpoint(f"http://{HOST}/"), Places(erp_test=[[address]]), transport=wire)
        assert isinstance(outcome, Failed)
    for host in ("x.erp.test", "erp.test.example", "erp"):
        places = Places(**{host.replace(".", "_"): [["10.0.0.1"]]})
        assert isinstance(await call(endpoint(f"http://{host}/"), places, transport=wire), Failed)
    assert len(wire.requests) == 1


def to(location: str, status: int = 307) -> httpx.Response:
    return httpx.Response(status, headers={"location": location})


async def test_a_redirect_is_followed_and_says_no_secret_to_another_host() -> None:
    wire = Wire(to("/v2/stock"), to("https://new.example/stock"), httpx.Response(200, json=GOOD))
    places = Places(erp_example=[[PUBLIC]], new_example=[["1.1.1.1"]])
    assert await call(endpoint("https://erp.example/stock"), places, transport=wire) == Answered(GOOD)
    said = [request.headers.get("authorization") for request in wire.requests]
    assert said == [f"Bearer {TOKEN}", f"Bearer {TOKEN}", None]
    assert [request.headers["idempotency-key"] for request in wire.requests] == ["k" * 32] * 3
    assert TOKEN not in str(wire.requests[2].headers.raw)


@pytest.mark.parametrize(
    "location",
    [
        "http://erp.example/",  # not over the open
        "https://inside.example/",  # resolves to 10.0.0.1
        f"https://{HOST}/",  # named by the operator, but not for somebody outside to send us to
        "http://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "file:///etc/passwd",
        "https://user:password@erp.example/",
        "https://erp.example:0/",
        "https://erp.example:99999/",
        "javascript:alert(1)",
    ],
)
async def test_redirects_that_are_not_followed(location: str) -> None:
    wire = Wire(to(location))
    places = Places(
        erp_example=[[PUBLIC]], inside_example=[["10.0.0.1"]], erp_test=[["10.0.0.2"]],
        **{"169_254_169_254": [["169.254.169.254"]], "::1": [["::1"]]},
    )  # fmt: skip
    outcome = await call(endpoint("https://erp.example/stock"), places, transport=wire)
    assert isinstance(outcome, Failed)
    assert outcome.code in ("redirected", "address_refused")
    assert len(wire.requests) == 1


async def test_a_name_that_moves_inside_between_two_hops_is_not_followed_there() -> None:
    wire = Wire(to("https://erp.example/again"))
    outcome = await call(endpoint("https://erp.example/"), Places(erp_example=[[PUBLIC], ["127.0.0.1"]]), transport=wire)
    assert isinstance(outcome, Failed)
    assert outcome.code == "address_refused"


async def test_three_redirects_and_no_more() -> None:
    wire = Wire(*[to("/again")] * 5)
    outcome = await call(endpoint("https://erp.example/"), Places(erp_example=[[PUBLIC]]), transport=wire)
    assert isinstance(outcome, Failed)
    assert (outcome.code, len(wire.requests)) == ("redirected", 4)


async def test_what_was_posted_is_posted_again_only_where_the_redirect_says_so() -> None:
    post = endpoint("https://erp.example/", method="POST")
    places = Places(erp_example=[[PUBLIC]])
    wire = Wire(to("/new", 308), httpx.Response(200, json=GOOD))
    assert await call(post, places, transport=wire) == Answered(GOOD)
    assert [(one.method, one.content) for one in wire.requests] == [("POST", b'{"sku": "k1"}')] * 2
    wire = Wire(to("/result", 303), httpx.Response(200, json=GOOD))
    assert await call(post, places, transport=wire) == Answered(GOOD)
    assert [(one.method, one.content) for one in wire.requests] == [("POST", b'{"sku": "k1"}'), ("GET", b"")]
    wire = Wire(to("/new", 301))
    outcome = await call(post, places, transport=wire)
    assert isinstance(outcome, Failed)
    assert outcome.code == "redirected"
