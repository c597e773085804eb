"""One try against services on this machine, which answer well, badly, too much, too slowly or not at all."""

from __future__ import annotations

import asyncio
import datetime
import logging
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from idic.interact.endpoints import Answered, CallLater, Failed
from idic.interact.endpoints.pinned_transport import direct_transport
from idic.journey.program.values import Attribute, Type
from idic.journey.vocabulary.types import MONEY, NUMBER, TEXT
from tests.interact.endpoints.services import HERE, HOST, TOKEN, Places, call, endpoint, resets, service
from tests.providers.twilio.scripted_twilio import Line, saying

GOOD = {"level": 3}


async def test_the_service_hears_what_is_asked_and_its_answer_is_typed() -> None:
    gives = {
        "level": Attribute(type=NUMBER, required=True), "back_on": Attribute(type=Type(kind="date")),
        "price": Attribute(type=MONEY), "open": Attribute(type=Type(kind="yes/no")),
        "place": Attribute(type=TEXT, default="shelf"),
        "size": Attribute(type=Type(kind="one_of", options=("Small", "Large"))), "until": Attribute(type=Type(kind="moment")),
    }  # fmt: skip
    said = {
        "level": "3", "back_on": "2026-03-27T10:00:00Z", "price": 9, "open": "yes", "size": "large", "secret": "not asked for",
        "until": "2026-03-27T10:00:00+02:00",
    }  # fmt: skip
    async with service(saying(200, said)) as erp:
        outcome = await call(endpoint(f"{erp.url}/stock/{{{{ sku }}}}", gives=gives), given={"sku": "k 1", "price": 9.5})
    assert outcome == Answered(
        {
            "level": 3.0, "back_on": "2026-03-27", "price": 9.0, "open": True, "size": "Large",
            "until": "2026-03-27T08:00:00+00:00",
        }
    )  # fmt: skip
    (heard,) = erp.calls
    assert (heard.method, heard.path) == ("GET", "/stock/k%201?price=9.5")
    assert heard.headers["host"] == erp.url.removeprefix("http://")
    assert heard.headers["idempotency-key"] == "k" * 32
    assert heard.headers["authorization"] == f"Bearer {TOKEN}"


async def test_no_content_is_an_answer_where_nothing_is_required() -> None:
    some, none = {"level": Attribute(type=NUMBER)}, dict[str, Attribute]()
    for gives, status, said in ((some, 204, b""), (some, 200, b"  "), (none, 200, b"OK"), (none, 202, b"<html>")):
        async with service(saying(status, said)) as erp:
            assert await call(endpoint(erp.url, gives=gives, method="POST")) == Answered({})
    async with service(saying(204, b"")) as erp:
        outcome = await call(endpoint(erp.url))
    assert isinstance(outcome, Failed)


@pytest.mark.parametrize(
    "said",
    [
        b"<html>Please sign in</html>", b"[1]", b'"3"', b"null", b'{"level": null}', b'{"level": "many"}', b'{"level": NaN}',
        b"{",
        b'{"Level": 3}', b'{"level": 1e999}', b"\xff\xfe", b"[" * 60_000, b'{"level": ' + b"[" * 50_000, b'{"level": 3} x',
        b'{"level": 3, "note": "' + b"x" * 70_000 + b'"}',
    ],
)  # fmt: skip
async def test_an_answer_that_is_none(said: bytes) -> None:
    async with service(saying(200, said)) as erp:
        outcome = await call(endpoint(erp.url))
    assert isinstance(outcome, Failed)
    assert outcome.code == "unexpected_answer"
    assert "sign in" not in outcome.detail


async def test_text_that_no_database_keeps_is_mended() -> None:
    async with service(saying(200, rb'{"note": "a\u0000b"}')) as erp:
        assert await call(endpoint(erp.url, gives={"note": Attribute(type=TEXT)})) == Answered({"note": "ab"})


async def test_money_of_another_currency_is_missing() -> None:
    gives = {"price": Attribute(type=MONEY), "level": Attribute(type=NUMBER)}
    async with service(saying(200, {"price": 3, "currency": "USD", "level": 1})) as erp:
        assert await call(endpoint(erp.url, gives=gives)) == Answered({"level": 1.0})


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422, 304, 300])
async def test_what_another_try_would_not_mend(status: int) -> None:
    async with service(saying(status, {"error": f"Anna may not, with {TOKEN}"})) as erp:
        outcome = await call(endpoint(erp.url))
    assert outcome == Failed(f"http_{status}", f"the service answered {status}")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_what_another_try_may_mend(status: int) -> None:
    async with service(saying(status, {}, {"Retry-After": "7"})) as erp:
        assert await call(endpoint(erp.url)) == CallLater(f"http_{status}", f"the service answered {status}", 7)


async def hangs(line: Line) -> None:
    await line.hear()
    await asyncio.sleep(60)


async def drips(line: Line) -> None:
    await line.hear()
    line.writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        line.writer.write(b"1\r\n \r\n")
        await line.writer.drain()
        await asyncio.sleep(0.02)


async def floods(line: Line) -> None:
    await line.hear()
    line.writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        line.writer.write(b"1000\r\n" + b" " * 4096 + b"\r\n")
        await line.writer.drain()


async def packed(line: Line) -> None:
    await line.hear()
    line.writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nbomb")
    await line.writer.drain()


async def breaks_off(line: Line) -> None:
    await line.hear()
    line.writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"level": 3')
    await line.writer.drain()


async def talks_nonsense(line: Line) -> None:
    await line.hear()
    line.writer.write(b"220 mail.example ESMTP\r\n\r\n")
    await line.writer.drain()


async def says_too_much_before(line: Line) -> None:
    await line.hear()
    line.writer.write(b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 200_000 + b"\r\n\r\n{}")
    await line.writer.drain()


@pytest.mark.parametrize(
    ("talk", "code"),
    [
        (hangs, "no_answer_in_time"),
        (drips, "no_answer_in_time"),
        (resets, "connection_lost"),
        (breaks_off, "connection_lost"),
        (talks_nonsense, "connection_lost"),
        (says_too_much_before, "connection_lost"),
    ],
)
async def test_no_answer(talk: Any, code: str) -> None:
    async with service(talk) as erp:
        began = asyncio.get_running_loop().time()
        outcome = await call(endpoint(erp.url, seconds=0.3))
        assert asyncio.get_running_loop().time() - began < 2
    assert isinstance(outcome, CallLater)
    assert outcome.code == code


@pytest.mark.parametrize("talk", [floods, packed])
async def test_more_than_is_taken(talk: Any) -> None:
    async with service(talk) as erp:
        outcome = await call(endpoint(erp.url))
    assert isinstance(outcome, Failed)
    assert outcome.code == "unexpected_answer"


async def test_nobody_there() -> None:
    for url in (f"http://{HOST}:1/", "https://nowhere.example/", "https://" + "x" * 70 + ".example/"):
        outcome = await call(endpoint(url))
        assert isinstance(outcome, CallLater)
        assert outcome.code == "unreachable"


async def test_secrets_are_in_no_word_and_no_log(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    in_url = {"url": "http://erp.test:1/?key={{ secrets.erp_token }}"}
    told = [
        await call(endpoint(**in_url)),
        await call(endpoint(**in_url), secrets={"erp_token": SecretStr(f"{TOKEN}\r\nX: 1")}),
    ]
    async with service(saying(401, {"error": TOKEN}), saying(200, {"level": TOKEN})) as erp:
        told += [await call(endpoint(f"{erp.url}/?key={{{{ secrets.erp_token }}}}")) for _ in range(2)]
    assert [type(one) for one in told] == [CallLater, Failed, Failed, Failed]
    printed = capsys.readouterr()
    for text in (caplog.text, printed.out, printed.err, str(told), repr(told)):
        assert TOKEN not in text


async def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with service(saying(200, GOOD)) as erp:
        assert await call(endpoint(erp.url)) == Answered(GOOD)


def certified(folder: Path, host: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server for ``host`` shows, and what trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "cert.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))


async def test_tls_verifies_the_name_and_not_the_address(tmp_path: Path) -> None:
    shown, trusting = certified(tmp_path, HOST)
    names: list[str | None] = []
    shown.sni_callback = lambda _socket, name, _context: names.append(name)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line([], reader, writer)
        try:
            await line.hear()
            await line.say(200, GOOD)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=shown)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await call(endpoint(f"https://{HOST}:{port}/"), transport=direct_transport(trusting)) == Answered(GOOD)
        other = Places(**HERE, other_test=[["127.0.0.1"]])
        for url, transport in (
            (f"https://other.test:{port}/", direct_transport(trusting)),
            (f"https://{HOST}:{port}/", direct_transport()),
        ):
            outcome = await call(endpoint(url), other, private={HOST, "other.test"}, transport=transport)
            assert isinstance(outcome, CallLater)
            assert outcome.code == "unreachable"
            assert "certificate" in outcome.detail
    assert names[:2] == [HOST, "other.test"]
