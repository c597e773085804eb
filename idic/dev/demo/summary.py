"""The demo's summary: the figures, one customer's path, where to look next, and what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import httpx
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from idic.dev.demo.audit import Records, rule_of
from idic.dev.demo.play_script import ShopAtWork
from idic.dev.demo.screen import table
from idic.dev.demo.script import Shopper
from idic.dev.demo.watch import CLOCK, DemoState
from idic.dev.local_stack import LocalStack
from idic.journey.engine.trace import sentence
from idic.store.tables import Row

_INDENT = (0, 0, 0, 2)


async def show(
    console: Console,
    running: LocalStack,
    picture: DemoState,
    shoppers: Sequence[Shopper],
    shop: ShopAtWork,
    records: Records,
    troubles: Sequence[str],
    horizon: timedelta,
    took: float,
) -> None:
    """Print the summary. ``took`` is in real seconds."""
    minutes, seconds = divmod(round(took), 60)
    console.print()
    console.print(Text(f"{horizon.days} days in {minutes} min {seconds} s", style="bold"))
    console.print(Padding(_figures(shoppers, shop, records), _INDENT))
    console.print()
    console.print(Padding(table(picture.standings), _INDENT))
    example = _interesting(shoppers, records)
    if example is not None:
        await _show_trace(console, running, example)
    _show_addresses(console, running, example)
    if troubles:
        console.print()
        console.print(Text("What should have arrived did not:", style="bold red"))
        for trouble in troubles:
            console.print(Text(f"  {trouble}"))


def _figures(shoppers: Sequence[Shopper], shop: ShopAtWork, records: Records) -> Table:
    sent = Counter(row["channel"] for row in records.touches.values() if row["status"] == "sent")
    parts = sum(row["segments"] or 1 for row in records.touches.values() if row["channel"] == "sms" and row["status"] == "sent")
    seen = sum(1 for row in records.touches.values() if row["shown_at"] is not None)
    opened = sum(1 for row in records.touches.values() if row["opened_at"] is not None)
    taken = Counter(accept.touch for accept in records.accepts)
    accepted = [row for message_id, row in records.events.items() if message_id in shop.sent]
    own = Counter(row["name"] for row in records.events.values() if row["kind"] == "own")
    goals = [row for row in records.enrollments.values() if row["goal_at"] is not None]
    value = sum(row["goal_value"] or 0 for row in goals)
    refused = Counter(map(rule_of, records.refusals))
    grid = Table.grid(padding=(0, 3, 0, 0))
    for name, told in (
        ("customers", f"{records.customers}, of whom {sum(1 for one in shoppers if one.email is None)} left no address"),
        (
            "events",
            f"{len(shop.sent)} sent by Segment's client = {len(accepted)} accepted = "
            f"{sum(1 for row in accepted if row['routed_at'])} routed",
        ),
        ("enrollments", f"{len(records.enrollments)}: {_outcomes(records.enrollments.values())}"),
        ("mails", f"{sent['email']} sent = {len(records.accepts)} in the mailbox, {_each_once(taken)}; {opened} opened"),
        ("SMS", f"{sent['sms']} sent = {len(records.texts)} in the outbox, in {parts} parts"),
        ("web", f"{sent['web']} sent = {len(records.places)} placed; {seen} seen"),
        ("not sent", ", ".join(f"{rule} {count}" for rule, count in refused.most_common()) or "none"),
        ("clicks", f"{own['Link Clicked']}, and {own['Consent Withdrawn']} unsubscribed"),
        ("goals", f"{len(goals)}, worth {value:,.2f} {records.currency}"),
    ):
        grid.add_row(Text(name, style="dim"), Text(told))
    return grid


def _outcomes(rows: Iterable[Row]) -> str:
    def outcome(row: Row) -> str:
        if row["goal_at"] is not None:
            return "goal"
        return {None: "waiting", "leave": "left"}.get(row["ending"], "ended without")

    counted = Counter(map(outcome, rows))
    return ", ".join(f"{counted[name]} {name}" for name in ("goal", "left", "ended without", "waiting"))


def _each_once(taken: Counter[str]) -> str:
    return "each once" if all(count == 1 for count in taken.values()) else "not each once"


class _Example(NamedTuple):
    shopper: Shopper
    enrollment: str
    journey: str


def _interesting(shoppers: Sequence[Shopper], records: Records) -> _Example | None:
    """The customer with the longest path to a goal, or any customer."""
    known = {records.customer[one.user_id]: one for one in shoppers if one.user_id in records.customer}
    rows = [row for row in records.enrollments.values() if row["customer_id"] in known]
    if not rows:
        return None
    longest = max(
        rows, key=lambda row: (row["goal_at"] is not None, len(row["state"].get("began", ())), row["goal_value"] or 0)
    )
    return _Example(known[longest["customer_id"]], longest["id"], longest["journey"])


async def _show_trace(console: Console, running: LocalStack, example: _Example) -> None:
    """Read a trace through the API, with the secret key."""
    url = f"{running.plan.api}/v1/enrollments/{example.enrollment}"
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(url, headers={"Authorization": f"Bearer {running.keys.secret}"})
    answer.raise_for_status()
    console.print()
    console.print(Text.assemble((example.shopper.name, "bold"), f" in {example.journey}, step by step"))
    for entry in answer.json()["trace"]:
        at = datetime.fromisoformat(entry["at"]).astimezone(UTC)
        told = sentence(entry["kind"], entry["step"], entry["why"], clock=CLOCK)
        console.print(Text.assemble("  ", (f"{at:{CLOCK}}", "dim"), f"  {told}"))


def _show_addresses(console: Console, running: LocalStack, example: _Example | None) -> None:
    plan = running.plan
    header = _authorization(running)
    sample = f"{plan.console}/enrollments/{example.enrollment}" if example else f"{plan.console}/enrollments"
    asked = f"/v1/enrollments/{example.enrollment}" if example else "/v1/customers/USER_ID"
    grid = Table.grid(padding=(0, 3, 0, 0))
    for name, where in (
        ("shop", f"{plan.shop}  (sign in as one of them, or sign up: what you do is answered)"),
        ("outbox", f"{plan.console}/outbox  (every mail, SMS and banner)"),
        ("trace", sample),
        ("API", f"{plan.api}/docs"),
        ("Temporal", plan.temporal_ui),
        ("mails", str(plan.mail)),
        ("keys", f"{plan.data / 'keys.json'}  (write sends events, secret reads)"),
        ("logs", str(plan.data / "logs")),
    ):
        grid.add_row(Text(name, style="dim"), Text(where))
    console.print()
    console.print(Text("Look around", style="bold"))
    console.print(Padding(grid, _INDENT))
    # On lines of its own and never wrapped, so that you can copy it.
    for line in ("", "  the same by hand:", f"  curl -H @{header} \\", f"    {plan.api}{asked}"):
        console.print(Text(line), soft_wrap=True)


def _authorization(running: LocalStack) -> Path:
    """A file with the header that holds the secret key, for curl, so that it isn't printed."""
    file = running.plan.data / "authorization"
    file.touch(mode=0o600)
    file.write_text(f"Authorization: Bearer {running.keys.secret}\n")
    return file
