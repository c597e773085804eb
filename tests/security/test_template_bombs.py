"""Templates that would loop for ever, fill the memory or read files: each is stopped after a bounded number of steps."""

from __future__ import annotations

import socket
import threading
import tracemalloc
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from time import process_time

import pytest

from idic.customize.email_html import finish_html, html_from_mjml, html_to_text, track_html, track_text
from idic.customize.liquid.limits import LONGEST
from idic.customize.templates import check, render
from idic.customize.web_html import text_to_html, unsafe_parts
from idic.errors import CannotCompose

TREE = {f"t{n}": f"{{% render 't{n + 1}' %}}" * 8 for n in range(9)} | {"t9": "x"}
"""Blocks that render blocks: 134 million of them, and never more than ten deep."""
TWO_OF = "{% assign a = 'xxxxxxxxxx' %}"
LONG = f"{{% assign a = '{'x' * 4000}' %}}"

FOR_EVER = {
    "loops in loops": "{% for a in (1..1000) %}{% for b in (1..1000) %}{% for c in (1..1000) %}x" + "{% endfor %}" * 3,
    "loops after loops": "{% for a in (1..10000) %}{% endfor %}" * 3000,
    "a long loop": "{% for a in (1..1000000000) %}x{% endfor %}",
    "a large loop": "{% for a in (1..10000) %}" + "{% if true %}{% endif %}" * 4000 + "{% endfor %}",
    "a large block again and again": "{% for a in (1..9999) %}{% render 'big' %}{% endfor %}",
    "a tree of blocks": "{% render 't0' %}",
    "a block in itself": "{% render 'me' %}",
    "filters of long texts in a loop": LONG
    + "{% for i in (1..10000) %}{% assign b = a | upcase | downcase | size %}{% endfor %}",
    "thousands of names": "".join(f"{{% assign a{n} = 1 %}}" for n in range(5000)),
    "a range as a list": "{{ (1..1000000000) | join: ',' }}",
    "a range that is searched": "{% if (1..1000000000) contains 'x' %}y{% endif %}",
    "a range that is handed on": "{% render 'me', r: (1..1000000000) %}",
}

TOO_LARGE = {
    "twice as long, forty times": TWO_OF + "{% assign a = a | append: a %}" * 40,
    "captured twice, forty times": TWO_OF + "{% capture a %}{{ a }}{{ a }}{% endcapture %}" * 40,
    "a text for each letter": LONG + "{{ a | replace: 'x', a }}",
    "a text for each letter of each letter": LONG + "{{ a | replace: 'x', a | replace: 'x', a }}",
    "a text between all letters": LONG + "{{ a | replace: '', a }}",
    "a long text between entries": LONG + "{{ a | split: '' | join: a }}",
    "a list twice as long": "{% assign a = 'a,b' | split: ',' %}" + "{% assign a = a | concat: a %}" * 40,
    "squares of squares": "{% assign a = 99999999999 %}{% for i in (1..60) %}{% assign a = a | times: a %}{% endfor %}",
    "printed without end": "{% for i in (1..9999) %}" + "y" * 1000 + "{% endfor %}",
}

BLOCKS = {"me": "{% render 'me' %}", "big": "{% if true %}{% endif %}" * 4000, **TREE}
SECONDS = 20.0
"""Of the processor, and far more than any of it takes: without a limit each would take hours."""


@pytest.mark.parametrize("name", FOR_EVER)
def test_no_template_runs_for_ever(name: str) -> None:
    began = process_time()
    with pytest.raises(CannotCompose):
        render(FOR_EVER[name], {}, BLOCKS, dialect="html")
    assert process_time() - began < SECONDS


@pytest.mark.parametrize("name", TOO_LARGE)
def test_no_template_fills_the_memory(name: str) -> None:
    render("{{ 'what is made once' | upcase }}", {}, {})
    tracemalloc.start()
    try:
        with pytest.raises(CannotCompose):
            render(TOO_LARGE[name], {}, {})
        assert tracemalloc.get_traced_memory()[1] < 20 * LONGEST
    finally:
        tracemalloc.stop()


def test_a_large_mail_stays_within_the_limits() -> None:
    row = "<tr><td>{{ item.name | upcase | truncate: 40 }}</td><td>{{ item.price | money }}</td></tr>"
    rows = f"{{% for item in cart.items %}}{row}{{% endfor %}}"
    items = [{"name": f"Thing {number}", "price": number} for number in range(200)]
    html = render(rows * 20 + "z" * 100_000, {"cart.items": items}, {}, dialect="html")
    assert html.count("<tr>") == 4000


def test_checking_reports_a_tree_of_blocks() -> None:
    [problem] = check("{% render 't0' %}", {}, TREE).problems
    assert problem.message == "more than 1000 blocks are rendered, including blocks in blocks: combine some of them"


@pytest.mark.parametrize("source", ["{% include '/etc/passwd' %}", "{% render '/etc/passwd' %}", "{% render '../keys' %}"])
def test_no_template_reads_a_file(source: str) -> None:
    assert check(source, {}, {}).problems
    with pytest.raises(CannotCompose):
        render(source, {}, {})


@pytest.mark.parametrize(
    "source",
    ["{{ name.__class__ }}", "{{ name['__class__'] }}", "{{ list.append }}", "{{ thing.keys }}", "{{ name.format }}"],
)
def test_no_template_reaches_python_attributes(source: str) -> None:
    try:
        found = render(source, {"name": "Anna", "list": [1], "thing": {"a": 1}}, {})
    except CannotCompose:
        found = ""
    assert found == ""


@pytest.fixture
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """An address on this machine, and whoever called there."""
    called: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    called.append(b"called")

        thread = threading.Thread(target=listen)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", called
        over.set()
        thread.join()


def test_making_a_mail_fetches_nothing(listener: tuple[str, list[bytes]], tmp_path: Path) -> None:
    address, called = listener
    secret = tmp_path / "secret.css"
    secret.write_text("p { color: #decade }")
    html = (
        f'<html><head><link rel="stylesheet" href="{address}/a.css"><link rel="stylesheet" href="file://{secret}">'
        f'<link rel="stylesheet" href="{secret}"><style>@import url("{address}/b.css"); @import "{secret}";</style></head>'
        f'<body><p>Hi</p><img src="{address}/c.png"><img src="file://{secret}"><iframe src="{address}/d"></iframe>'
        "</body></html>"
    )
    made = finish_html(html)
    assert "#decade" not in made
    html_to_text(made)
    mjml = (
        f'<mjml><mj-head><mj-font name="F" href="{address}/f.css" />'
        f'<mj-style>@import url("{address}/g.css");</mj-style></mj-head><mj-body>'
        f'<mj-section><mj-column><mj-image src="{address}/h.png" /><mj-text>Hi</mj-text></mj-column></mj-section>'
        "</mj-body></mjml>"
    )
    finish_html(html_from_mjml(mjml))
    assert called == []


@pytest.mark.parametrize("path", ["/etc/passwd", "file:///etc/passwd", "https://shop.example/a.mjml", "./a.mjml"])
@pytest.mark.parametrize("kind", ["", ' type="css"', ' type="html"'])
def test_mjml_includes_nothing(path: str, kind: str) -> None:
    source = f'<mjml><mj-body><mj-include path="{path}"{kind} /></mj-body></mjml>'
    with pytest.raises(CannotCompose) as refused:
        html_from_mjml(source)
    assert "root:" not in str(refused.value)


LONG_TEXTS = {
    "brackets": "<" * 30_000,
    "halves of tags": "<a " * 10_000,
    "attributes": "<a" + ' x="y"' * 5_000,
    "quotes": '<a href="' * 4_000,
    "spaces": "<a" + " " * 30_000 + "!",
    "addresses": "http://" * 4_000,
    "points": "http://a" + "." * 30_000,
    "comments": "<!--" * 7_000,
    "entities": "&" * 30_000,
    "declarations": "<![CDATA[" * 3_000,
}
"""As long as what a customer may be called."""


@pytest.mark.parametrize("name", LONG_TEXTS)
def test_no_customer_text_makes_a_message_slow(name: str) -> None:
    text = LONG_TEXTS[name]
    began = process_time()
    for filters in ("strip_html", "squish", "truncatewords: 5", "newline_to_br", "url_encode"):
        render(f"{{{{ name | {filters} }}}}", {"name": text}, {}, dialect="html")
    track_text(text, str)
    # In HTML it stands as text.
    html = render("<p>{{ name }}</p>", {"name": text}, {}, dialect="html")
    track_html(html, str)
    unsafe_parts(html)
    unsafe_parts(text_to_html(text))
    html_to_text(html)
    assert process_time() - began < 5


def test_customer_names_are_escaped_in_mails() -> None:
    hostile = """"><script>alert(1)</script><img src=x onerror=alert(1)> ' onmouseover='alert(1) {{ 7 | times: 6 }}"""
    body = """<p title="{{ name }}">{{ name }}</p><a href="https://shop.example/?q={{ name | url_encode }}">x</a>"""
    seen: list[tuple[str, list[tuple[str, str | None]]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append((tag, attrs))

    Reader().feed(render(body, {"name": hostile}, {}, dialect="html"))
    assert [(tag, [name for name, _ in attributes]) for tag, attributes in seen] == [("p", ["title"]), ("a", ["href"])]
    assert seen[0][1][0][1] == hostile
