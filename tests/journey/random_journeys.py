"""Generate random valid journeys as text, and random events of a customer in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st

from idic.customize.templates import check
from idic.journey.compiler.compile import compile_journeys
from idic.journey.compiler.compile_templates import Templates
from idic.journey.program.program import Program

VOCABULARY = """
zone: Europe/Berlin
languages: [en, de]
customer:
  tier:          {one_of: [low, high], default: low}
  score:         {type: number, default: 0}
  renews:        moment
  seen_on:       date
  bought:        {type: number, counts: Bought}
  bought_lately: {type: number, counts: Bought, in: 5 hours}
  spent:         {type: money, sums: Bought.total, in: 2 days}
events:
  Started: {n: {type: number, required: true}, number: number, at: moment}
  A:       {n: {type: number, required: true}}
  B:       {n: {type: number, required: true}}
  Bought:  {total: {type: money, required: true}}
  Reached: {value: {type: money, required: true}}
  Left:    {n: number}
endpoints:
  stock:
    url: "https://erp.example/stock/{{ n }}"
    method: GET
    takes: {n: {type: number, required: true}}
    gives: {level: {type: number, required: true}}
"""

DURATIONS = ("20 minutes", "1 hour", "5 hours", "24 hours", "1 day", "30 hours", "2 days")
_ABOUT_CUSTOMER = (
    'customer.tier == "high"',
    "customer.score >= 2",
    "customer.bought >= 1",
    "customer.bought_lately == 0 and customer.bought > 0",
    "customer.spent >= 50",
    "customer.spent < 20",
    "days_since(customer.seen_on) >= 2",
    "days_since(customer.seen_on) >= 1 and customer.score < 2",
    "known(customer.renews)",
)
_ANYWHERE = (*_ABOUT_CUSTOMER, "entry.n > 3", 'segment == "first"', "worth > 10", "mark >= 3")
_OF_EVENTS = ("event.n > 2", "event.n <= customer.score", "event.n == entry.n")

Block = dict[str, Any] | str


class Drawing:
    """One journey being drawn: numbers its steps and knows what has been sent and set on every way so far."""

    def __init__(self, draw: st.DrawFn, *, calls: bool) -> None:
        self.draw = draw
        self.calls = calls
        self.count = 0

    def one(self, options: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(list(options)))

    def yes(self) -> bool:
        return self.draw(st.booleans())

    def name(self) -> str:
        self.count += 1
        return f"s{self.count}"

    def steps(self, depth: int, sent: list[str], *, least: int = 1) -> list[Block]:
        sent = list(sent)
        return [self.step(depth, sent) for _ in range(self.draw(st.integers(least, 4 if depth else 2)))]

    def branch(self, depth: int, sent: list[str]) -> Any:
        match self.one(["continue", "exit", "steps", "steps"] if depth else ["continue", "exit"]):
            case "continue":
                return "continue"
            case "exit":
                return f"exit reason_{self.count}"
            case _:
                return self.steps(depth - 1, sent)

    def step(self, depth: int, sent: list[str]) -> Block:  # noqa: C901 (one case for each step kind)
        kinds = ["wait", "wait", "silence", "wait_for", "wait_for", "send", "send", "set", "until", "moment"]
        kinds += ["choose", "split", "repeat", "truth", "differentiate"] if depth else []
        kinds += ["call"] if self.calls else []
        step: dict[str, Any] = {"id": self.name()}
        kind = self.one(kinds)
        if kind not in ("send", "choose", "wait_for", "truth", "moment") and self.draw(st.integers(0, 5)) == 0:
            step["if"] = self.one(_ANYWHERE)
            if self.yes():
                step["otherwise"] = self.branch(depth, sent)
        match kind:
            case "wait":
                step["wait"] = self.one(DURATIONS)
            case "until":
                step["wait"] = self.one(["until 09:00", "until 02:30", "until 18:15 on weekdays", "until 07:00 on monday"])
            case "moment":
                step["wait"] = self.one(
                    [
                        "until entry.at",
                        "until 3 hours before entry.at",
                        "until customer.renews",
                        "until 1 day before customer.renews at 10:00",
                    ]
                )
                step["otherwise"] = self.branch(depth, sent)
            case "silence":
                step |= {"wait": self.one(DURATIONS[:4]), "without": self.one("AB")}
            case "wait_for" | "truth":
                arms: list[Any] = [self.arm(depth, sent) for _ in range(self.draw(st.integers(1, 3)))]
                if kind == "truth":
                    truth = {"until": self.one(_ABOUT_CUSTOMER), "then": self.branch(depth, sent)}
                    arms.insert(self.draw(st.integers(0, len(arms))), truth)
                step |= {"wait_for": arms, "within": self.one(DURATIONS), "otherwise": self.branch(depth, sent)}
            case "choose":
                step["choose"] = [
                    {"if": self.one(_ANYWHERE), "do": self.branch(depth, sent)} for _ in range(self.draw(st.integers(1, 3)))
                ]
                step["otherwise"] = self.branch(depth, sent)
            case "split":
                step |= {"split": {"plain": 40, "offer": 60}, "do": {"plain": self.branch(depth, sent)}}
            case "repeat":
                daily: list[Block] = [{"id": self.name(), "wait": "until 09:00"}] if self.yes() else []
                step["repeat"] = {"times": self.draw(st.integers(1, 3)), "do": [*daily, *self.steps(depth - 1, sent)]}
                if self.yes():
                    step["repeat"]["until"] = self.one(_ANYWHERE)
            case "set":
                step["set"] = {self.one(["customer.score", "mark"]): self.one(["customer.score + 1", "entry.n", "7"])}
            case "differentiate":
                step["differentiate"] = "again"
            case "call":
                step |= {"call": "stock", "with": {"n": "entry.n"}, "otherwise": self.branch(depth, sent)}
            case _:
                by = self.one(["email", ["email", "sms"], {"first_of": ["sms", "email"]}, {"best_of": ["email", "sms"]}])
                step |= {"send": self.one(["hello", "again"]), "by": by}
                if self.yes():
                    step["at"] = self.one(["09:00 to 20:30", "21:00 to 02:30", "now"])
                if self.yes():
                    step["within"] = self.one(DURATIONS)
                if self.draw(st.integers(0, 3)) == 0:
                    step["if"] = self.one(_ANYWHERE)
                if self.draw(st.integers(0, 3)) == 0:
                    step["otherwise"] = self.branch(depth, sent)
                sent.append(step["id"])
        return step

    def arm(self, depth: int, sent: list[str]) -> Any:
        if sent and self.yes():
            return {"on": "Link Clicked", "of": self.one(sent), "then": self.branch(depth, sent)}
        arm: dict[str, Any] = {"on": self.one(["A", "B", "Bought", "Reached"])}
        if arm["on"] in "AB" and self.yes():
            arm["if"] = self.one(_OF_EVENTS)
        arm["since"] = self.one(["wait", "wait", "entry"])
        arm["then"] = self.branch(depth, sent)
        return arm


@st.composite
def journeys(draw: st.DrawFn, *, calls: bool = True, number: int = 0) -> str:
    """The text of a journey, `trip0` by its ``number``; it is for those who start with that number."""
    drawing = Drawing(draw, calls=calls)
    journey: dict[str, Any] = {
        "journey": f"trip{number}",
        "purpose": "service",
        "identify": {
            "on": "Started",
            "if": f"event.number == {number}",
            "again": "always",
            "while_in": drawing.one(["ignore", "restart"]),
        },
        "differentiate": {
            "values": {"worth": drawing.one(["customer.spent", "customer.score * 4", "entry.n + 5"])},
            "first": drawing.one(_ABOUT_CUSTOMER),
            "second": drawing.one(_ABOUT_CUSTOMER),
            "rest": "otherwise",
        },
        "interact": [{"id": "s0", "set": {"mark": "entry.n"}}, *drawing.steps(2, [], least=2)],
        "customize": {
            name: {"email": {"subject": name, "body": f"{name} to you"}, "sms": f"{name} to you"} for name in ("hello", "again")
        },
    }
    if drawing.yes():
        journey["goal"] = {"on": "Reached", "value": "event.value", "then": drawing.one(["leave", "continue"])}
        if drawing.yes():
            journey["goal"]["within"] = drawing.one(DURATIONS)
    if drawing.yes():
        journey["leave"] = ["Left", *(["Reached"] if drawing.yes() else [])]
    return written(journey)


def written(value: dict[str, Any]) -> str:
    """A journey as text: JSON is YAML in its flow style, section by section."""
    return "".join(f"{name}: {json.dumps(part)}\n" for name, part in value.items())


def compiled(text: str) -> Program:
    """Fails with the checker's words where it finds an error."""
    found = compile_journeys({"trip.yaml": text}, ("vocabulary.yaml", VOCABULARY), Templates(), check)
    errors = [problem for problem in found.problems if problem.severity == "error"]
    assert not errors, "\n".join([text, *(f"{one.line}:{one.column} {one.text}" for one in errors)])
    (trip,) = found.programs.values()
    return trip


class Happening(NamedTuple):
    """At a minute after the beginning: an event (``name`` with ``properties``), a change of attributes (``name`` is
    ``identify``), or a click on the newest message of the step ``of``."""

    minute: float
    name: str
    properties: dict[str, Any]
    of: str | None = None


_HOURS = 24 * 12


def started(begin: datetime, number: int = 0, n: int = 4) -> dict[str, Any]:
    """The properties of the event that begins the story."""
    return {"n": n, "number": number, "at": (begin + timedelta(days=4, minutes=90)).isoformat()}


@st.composite
def happenings(draw: st.DrawFn, begin: datetime, number: int = 0) -> list[Happening]:
    """What happens within twelve days, never two things in one instant."""
    minutes = draw(st.lists(st.integers(1, _HOURS * 60), min_size=1, max_size=14, unique=True))
    story = []
    for minute in sorted(minutes):
        n = draw(st.integers(0, 5))
        name = draw(
            st.sampled_from(["A", "A", "B", "B", "Bought", "Reached", "Left", "Started", "identify", "identify", "click"])
        )
        match name:
            case "identify":
                told: dict[str, Any] = draw(
                    st.sampled_from(
                        [
                            {"tier": "high"},
                            {"tier": None},
                            {"score": n},
                            {"renews": (begin + timedelta(days=3 + n, hours=3)).isoformat()},
                            {"seen_on": (begin + timedelta(days=n - 1)).date().isoformat()},
                        ]
                    )
                )
                story.append(Happening(minute, name, told))
            case "click":
                story.append(Happening(minute, "Link Clicked", {"url": "https://shop.example/"}, f"s{draw(st.integers(1, 9))}"))
            case "Bought":
                story.append(Happening(minute, name, {"total": n * 10}))
            case "Reached":
                story.append(Happening(minute, name, {"value": n}))
            case "Started":
                story.append(Happening(minute, name, started(begin, number, n)))
            case _:
                story.append(Happening(minute, name, {"n": n}))
    return story
