"""``idic vocabulary`` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import typer
from typer.testing import CliRunner, Result

from idic.cli.vocabulary import vocabulary

TEXT = """\
currency: EUR
languages: [de, en]
zone: Europe/Berlin
customer:
  first_name: text
  spent_90d: {type: money, sums: Order Completed.total, in: 90 days}
  value_tier: {one_of: [high, low], default: low, from: our till}
  allergies: {type: list of text, sensitive: health, for: [dietary_advice]}
events:
  Order Completed: {total: {type: money, required: true}, lines: list of line}
  Price Dropped: {about: product, sku: {type: text, required: true}}
things: {line: {sku: {type: text, required: true}, qty: number}}
links: {basket: "https://shop.example/cart"}
"""


def run(folder: Path, *arguments: str) -> Result:
    app = typer.Typer()
    app.command()(vocabulary)
    (folder / "vocabulary.yaml").write_text(TEXT)
    return CliRunner().invoke(app, [*arguments, "--journeys", str(folder)])


def test_what_is_declared_and_what_is_idics_own(tmp_path: Path) -> None:
    output = run(tmp_path).output
    assert (
        "  customer.first_name  text\n"
        "  customer.spent_90d   money                sums Order Completed.total, of the last 90 days\n"
        "  customer.value_tier  one_of: [high, low]  default low · from our till\n"
        "  customer.allergies   list of text         sensitive: health · only for dietary_advice\n"
    ) in output
    assert "  customer.email       text  (idic's own)\n" in output
    assert "  Link Clicked  (idic's own)\n" in output
    for word in ("segment", "days_until", "truncate", "wait_for", "sms"):
        assert f"  {word} " in output or f"  {word}\n" in output


def test_a_search_shows_events_whole_and_says_when_there_is_nothing(tmp_path: Path) -> None:
    result = run(tmp_path, "price")
    assert result.output.startswith(
        "events\n  Price Dropped        about a product, not about one customer\n    sku          text  always there\n"
    )
    nothing = run(tmp_path, "xyz")
    assert (nothing.exit_code, nothing.output) == (1, 'nothing matches "xyz"; idic vocabulary lists everything\n')


def test_tools_get_json(tmp_path: Path) -> None:
    words = json.loads(run(tmp_path, "line", "--format", "json").output)
    assert {"section": "things", "name": "qty", "type": "number", "says": "", "of": "line", "own": False} in words
    assert {word["of"] for word in words if word["section"] == "events" and word["of"]} == {"Order Completed"}
