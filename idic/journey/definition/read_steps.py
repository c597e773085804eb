"""Read the steps of a journey file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from idic.journey.channels import CHANNELS, EMAIL
from idic.journey.definition import read_times
from idic.journey.definition.definition import (
    BranchText,
    CallText,
    ChooseText,
    DifferentiateText,
    EnterText,
    ExitText,
    Given,
    Mode,
    MomentText,
    PatternText,
    RepeatText,
    SendText,
    SetText,
    SplitText,
    StepText,
    WaitForText,
    WaitText,
)
from idic.journey.definition.read_events import EventReader
from idic.journey.yaml_source.nodes import Mapping, Node, Scalar, Sequence
from idic.journey.yaml_source.shapes import Shapes
from idic.problems import Mark, Problems, did_you_mean, one_of
from idic.times import Duration, Hours, TimeOfDay

KINDS = (
    "wait", "wait_for", "choose", "split", "send", "set", "call", "repeat", "enter", "differentiate", "exit",
)  # fmt: skip
MOST_ROUNDS = 100

_NOTHING = Duration()
_NOT_IDS = ("entry", "wait")
_ENTRIES = ("if", "then", "otherwise", "within", "do", "by", "at", "without", "as", "with", "times", "until")
"""What steps have beside their ids and their kinds."""
_KINDS_OF_OTHERS = {
    "delay": "wait:", "sleep": "wait:", EMAIL.name: "send: … with by: email", "message": "send:", "branch": "choose:",
    "switch": "choose:", "when": "choose:", "condition": "choose:", "ab_test": "split:", "test": "split:",
    "wait_until": "wait_for:", "listen": "wait_for:", "end": "exit:", "stop": "exit:", "leave": "exit:",
}  # fmt: skip


class Steps:
    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.shapes = Shapes(problems)
        self.events = EventReader(self.shapes, problems, self.branch)
        self.readers: dict[str, Callable[[Mapping, Scalar, Scalar | None, str], StepText]] = {
            "wait": self.wait,
            "wait_for": self.wait_for,
            "choose": self.choose,
            "split": self.split,
            "send": self.send,
            "set": self.set,
            "call": self.call,
            "repeat": self.repeat,
            "enter": self.enter,
            "differentiate": self.differentiate,
            "exit": self.exit,
        }

    def steps(self, node: Node, what: str) -> tuple[StepText, ...]:
        if isinstance(node, Mapping):
            node = Sequence(node.source, (node,), node.start)
        if not isinstance(node, Sequence):
            self.problems.error(node.mark, f"{what} is a list of steps", "write each on its own line after a -")
            return ()
        if not node.items:
            self.problems.error(node.mark, f"{what} has no steps", "write one")
        return tuple(step for item in node.items if (step := self.step(item)))

    def step(self, node: Node) -> StepText | None:
        if not isinstance(node, Mapping):
            self.problems.error(node.mark, "a step consists of entries", "write - {id: pause, wait: 1 day}")
            return None
        kinds = [key for key, _ in node.entries if key.value in KINDS]
        id_ = self.shapes.text(node.get("id"), "id")
        called = f'step "{id_.value}"' if id_ else "the step"
        if self.shapes.lacks(node, "id", ("id", *KINDS, *_ENTRIES)):
            self.problems.error(node.mark, "a step has no id", "give it one, unique in this file: id: first_mail")
        elif id_ is not None and (self.shapes.name(id_, "id", field=node.key("split") is None) and id_.value in _NOT_IDS):
            self.problems.error(id_.mark, f'id "{id_.value}" has a meaning of its own after since', "choose another")
        if len(kinds) > 1:
            words = " and ".join(f"{key.value} (line {key.mark.line})" for key in kinds)
            self.problems.error(kinds[1].mark, f"{called} is two kinds in one: {words}", "make two steps of it")
            return None
        if not kinds:
            self.no_kind(node, called)
            return None
        kind = kinds[0]
        return self.readers[kind.value](node, kind, id_, called)

    def no_kind(self, node: Mapping, called: str) -> None:
        for key, _ in node.entries:
            if key.value == "id" or key.value in _ENTRIES:
                continue
            other = _KINDS_OF_OTHERS.get(key.value.lower())
            hint = f"write {other}" if other else did_you_mean(key.value, KINDS) or f"there are {one_of(KINDS)}"
            self.problems.error(key.mark, f"{called}: there is no step {key.value}", hint)
            return
        self.problems.error(node.mark, f"{called} does nothing", f"write {one_of(KINDS)}")

    def parts(self, node: Mapping, called: str, known: tuple[str, ...], later: tuple[str, ...] = ()) -> dict[str, Node]:
        instead = {"then": "if: and otherwise: for who stays; nothing follows an exit"} if "then" not in known else None
        return self.shapes.fields(node, called, ("id", "if", *known), later=later, instead=instead) or {}

    def wait(self, node: Mapping, kind: Scalar, id_: Scalar | None, called: str) -> WaitText:
        found = self.parts(node, called, ("wait", "without", "as", "then", "otherwise"))
        length, duration, until = self.shapes.text(found.get("wait"), f"{called}: wait"), None, None
        if length is not None and length.value.startswith("until"):
            until = self.until(length, found, kind, called)
        elif length is not None and read_times.lacks_until(length):
            hint = f"write wait: until {length.value.strip()}"
            self.problems.error(length.mark, f"{called}: wait is so long, or until a moment", hint)
        elif length is not None:
            duration = self.shapes.duration(length, f"{called}: wait")
        without = self.without(found["without"], called) if "without" in found else None
        capture = self.events.capture(found.get("as"))
        if capture is not None and "without" not in found:
            self.problems.error(capture.mark, f"{called}: as names the event of without", "add without:, or take as out")
        if (
            length is None
            or isinstance(until, TimeOfDay)
            or not (length.value.startswith("until") or read_times.lacks_until(length))
        ):
            self.needs_if(found, called)
        return WaitText(
            *self.common(found, id_, kind),
            duration=duration or _NOTHING,
            until=until,
            without=without,
            capture=capture,
        )

    def without(self, node: Node, called: str) -> PatternText | None:
        on = node.get("on") if isinstance(node, Mapping) else node
        if isinstance(on, Sequence):
            hint = "write the one whose silence is waited for, such as without: Cart Updated"
            self.problems.error(on.mark, f"{called}: without names one event", hint)
            return None
        return self.events.pattern(node, f"{called}: without", ("on", "if", "key"))

    def until(self, text: Scalar, found: dict[str, Node], kind: Scalar, called: str) -> TimeOfDay | MomentText | None:
        """What a wait is until, with what that asks of the rest of the step."""
        if "without" in found:
            hint = "write how long the silence is: wait: 4 hours"
            self.problems.error(text.mark, f"{called}: a wait for silence is so long, not until a time", hint)
        try:
            until = read_times.until(text)
        except ValueError as error:
            self.problems.error(text.mark, f"{called}: wait: {error}")
            return None
        if isinstance(until, MomentText) and "otherwise" not in found:
            message = f"{called}: the moment may be past, or nobody knows it: wait needs otherwise"
            self.problems.error(kind.mark, message, "write otherwise: continue")
        return until

    def wait_for(self, node: Mapping, kind: Scalar, id_: Scalar | None, called: str) -> WaitForText:
        known = ("wait_for", "within", "then", "otherwise")
        found = self.parts(node, called, known)
        for name, example in (("within", "within: 2 days"), ("otherwise", "otherwise: continue")):
            if self.shapes.lacks(node, name, ("id", "if", *known)):
                self.problems.error(kind.mark, f"{called}: wait_for needs {name}", f"write {example}")
        arms = self.events.arms(found.get("wait_for"), f"{called}: wait_for")
        within = self.shapes.duration(found.get("within"), f"{called}: within")
        return WaitForText(*self.common(found, id_, kind), arms=arms, within=within or _NOTHING)

    def choose(self, node: Mapping, kind: Scalar, id_: Scalar | None, called: str) -> ChooseText:
        found = self.parts(node, called, ("choose", "then", "otherwise"))
        value, branches = found["choose"], []
        if isinstance(value, Sequence) and value.items:
            for item in value.items:
                if isinstance(item, Mapping) and (other := item.key("otherwise")) is not None:
                    hint = "write otherwise: under the list, in line with choose:"
                    self.problems.error(other.mark, f"{called}: otherwise stands beside choose:, and not in its list", hint)
                    continue
                instead = {"then": "do:", "when": "if:"}
                parts = self.shapes.fields(item, f"{called}: a branch", ("if", "do"), required=("if", "do"), instead=instead)
                if parts is None:
                    continue
                when = self.shapes.text(parts.get("if"), f"{called}: if")
                do = self.branch(parts.get("do"))
                if when is not None and do is not None:
                    branches.append((when, do))
        else:
            self.problems.error(value.mark, f"{called}: choose is a list of branches", "write - if: … and do: … under it")
        return ChooseText(*self.common(found, id_, kind), branches=tuple(branches))

    def split(self, node: Mapping, kind: Scalar, id_: Scalar | None, called: str) -> SplitText:
        found = self.parts(node, called, ("split", "do", "then", "otherwise"))
        value, do, shares = found["split"], found.get("do"), []
        branches: dict[str, tuple[Scalar, Node]] = {}
        if isinstance(do, Mapping):
            branches = {key.value: (key, branch) for key, branch in do.entries}
        elif do is not None:
            self.problems.error(do.mark, f"{called}: do has a branch for each share", "write do: {plain: …, offer: …}")
        if not isinstance(value, Mapping):
            self.problems.error(value.mark, f"{called}: split consists of shares", "write split: {plain: 20, offer: 80}")
            return SplitText(*self.common(found, id_, kind))
        sound = True
        for name, text in value.entries:
            percent = self.percent(text, f"{called}: {name.value}")
            sound = self.shapes.name(name, "share", field=True) and percent is not None and sound
            branch = self.branch(branches[name.value][1]) if name.value in branches else None
            shares.append((name, percent or 0, branch))
        total = sum(percent for _, percent, _ in shares)
        if sound and total != 100:
            self.problems.error(value.mark, f"{called}: the shares add up to {total}", "make them add up to 100")
        names = [name.value for name, _, _ in shares]
        for key, _ in branches.values():
            if key.value not in names:
                hint = did_you_mean(key.value, names)
                self.problems.error(key.mark, f"{called}: there is no share {key.value}", hint)
        self.needs_if(found, called)
        return SplitText(*self.common(found, id_, kind), shares=tuple(shares))

    def percent(self, node: Node, what: str) -> int | None:
        if not isinstance(node, Scalar):
            hint = "write a whole number of percent, such as 20; what its share does stands under do:"
            self.problems.error(node.mark, f"{what} is a share", hint)
            return None
        text = self.shapes.text(node, what)
        if text is None:
            return None
        if text.value.isdecimal() and 0 < int(text.value) <= 100:
            return int(text.value)
        self.problems.error(text.mark, f"{what} cannot be {text.value}", "write a whole number of percent, such as 20")
        return None

    def send(self, node: Mapping, kind: Scalar, id_: Scalar | None, called: str) -> SendText:
        known = ("send", "by", "at", "within", "then", "otherwise")
        found = self.parts(node, called, known)
        within = self.shapes.duration(found.get("within"), f"{called}: within")
        if self.shapes.lacks(node, "by", ("id", "if", *known)):
            self.problems.error(kind.mark, f"{called}: send needs by", "write by: email")
        message = None
        if isinstance(found["send"], Scalar):
            message = self.shapes.text(found["send"], f"{called}: send")
        else:
            hint = "name it, with its words under customize:; for several messages make a step of each"
            self.problems.error(found["send"].mark, f"{called}: send is one message", hint)
        mode, channels = self.by(found.get("by"), called)
        at = self.at(found.get("at"), called)
        return SendText(*self.common(found, id_, kind), message=message, channels=channels, mode=mode, at=at, within=within)

    def at(self, node: Node | None, called: str) -> Hours | Literal["best time"] | None:
        text = self.shapes.text(node, f"{called}: at")
        if text is None or text.value == "now":
            return None
        if text.value == "best time":
            return "best time"
        try:
            return Hours.parse(text.value)
        except ValueError as error:
            hint = None if " to " in text.value else 'or "now", or "best time"'
            self.problems.error(text.mark, f"{called}: at: {error}", hint)
            return None

    def by(self, node: Node | None, called: str) -> tuple[Mode, tuple[Scalar, ...]]:
        if not isinstance(node, Mapping):
            return "each", self.channels(node, called)
        words = {"one_of": "best_of: or first_of:", "any_of": "first_of:", "all_of": "by: [email, sms], which means each"}
        words |= dict.fromkeys(CHANNELS, "by: email, or by: {first_of: [email, sms]}")
        found = self.shapes.fields(node, f"{called}: by", ("first_of", "best_of"), instead=words) or {}
        if len(found) > 1:
            self.problems.error(node.mark, f"{called}: by is first_of and best_of in one", "keep one of them")
        elif not node.entries:
            self.problems.error(node.mark, f"{called}: by names no channel", "write by: email")
        if "best_of" in found:
            return "best_of", self.channels(found["best_of"], called)
        return "first_of", self.channels(found.get("first_of"), called)

    def channels(self, node: Node | None, called: str) -> tuple[Scalar, ...]:
        if isinstance(node, Sequence) and not node.items:
            self.problems.error(node.mark, f"{called}: by names no channel", "write by: email")
        channels: list[Scalar] = []
        for channel in self.shapes.texts(node, f"{called}: by"):
            if self.shapes.choice(channel, f"{called}: by", CHANNELS) is None:
                continue
            if any(channel.value == before.value for before in channels):
                self.problems.error(channel.mark, f"{called}: {channel.value} is there twice", "keep one")
            channels.append(channel)
        return tuple(channels)

    def exit(self, node: Mapping, kind: Scalar, id_: Scalar | None, called: str) -> ExitText:
        found = self.parts(node, called, ("exit", "otherwise"))
        reason = self.shapes.text(found.get("exit"), f"{called}: exit")
        self.needs_if(found, called)
        return ExitText(*self.common(found, id_, kind), reason=reason.value if reason else "")

    def set(self, node: Mapping, kind: Scalar, id_: Scalar | None, called: str) -> SetText:
        found = self.parts(node, called, ("set", "then", "otherwise"))
        example = "write set: {customer.plan: entry.plan}"
        assign = self.given(found["set"], f"{called}: set", example)
        assign = tuple((name, value) for name, value in assign if self.settable(name, called))
        self.needs_if(found, called)
        return SetText(*self.common(found, id_, kind), assign=assign)

    def settable(self, name: Scalar, called: str) -> bool:
        root, dot, attribute = name.value.partition(".")
        if not dot:
            return self.shapes.name(name, f"{called}: set")
        if root == "customer" and attribute and "." not in attribute:
            return True
        hint = "set a customer attribute, such as customer.plan, or a name of your own, such as stage"
        self.problems.error(name.mark, f'{called}: "{name.value}" cannot be set', hint)
        return False

    def given(self, node: Node, what: str, example: str) -> Given:
        """Names, each with an expression."""
        if not isinstance(node, Mapping) or not node.entries:
            self.problems.error(node.mark, f"{what} consists of names with their values", example)
            return ()
        return tuple((name, text) for name, value in node.entries if (text := self.shapes.text(value, f"{what}: {name.value}")))

    def call(self, node: Mapping, kind: Scalar, id_: Scalar | None, called: str) -> CallText:
        found = self.parts(node, called, ("call", "with", "as", "within", "then", "otherwise"))
        example = "write with: {sku: entry.sku}"
        return CallText(
            *self.common(found, id_, kind),
            endpoint=self.shapes.text(found.get("call"), f"{called}: call"),
            given=self.given(found["with"], f"{called}: with", example) if "with" in found else (),
            capture=self.events.capture(found.get("as")),
            within=self.shapes.duration(found.get("within"), f"{called}: within"),
        )

    def repeat(self, node: Mapping, kind: Scalar, id_: Scalar | None, called: str) -> RepeatText:
        whole = isinstance(node.get("repeat"), Mapping)
        # Where repeat: is a number, all that belongs into it stands beside it, and one message says so.
        found = self.parts(node, called, ("repeat", "then", "otherwise", *(() if whole else ("times", "until", "do"))))
        self.needs_if(found, called)
        what = f"{called}: repeat"
        inner: dict[str, Node] = {}
        if isinstance(found["repeat"], Mapping):
            inner = self.shapes.fields(found["repeat"], what, ("times", "until", "do"), required=("times", "do")) or {}
        else:
            hint = "write repeat: {times: 3, do: …}, with until: and a condition if it may end sooner"
            self.problems.error(found["repeat"].mark, f"{what} says how often, and what", hint)
        times, do = self.shapes.text(inner.get("times"), f"{what}: times"), self.branch(inner.get("do"))
        if do is not None and not do.steps and isinstance(inner["do"], Scalar):
            self.problems.error(do.mark, f"{what}: do has no steps", "write those that are repeated")
        count = int(times.value) if times is not None and times.value.isdecimal() and len(times.value) < 9 else 0
        if times is not None and not 1 <= count <= MOST_ROUNDS:
            hint = f"write a whole number from 1 to {MOST_ROUNDS}"
            self.problems.error(times.mark, f"{what}: times cannot be {times.value}", hint)
        until = self.shapes.text(inner.get("until"), f"{what}: until")
        return RepeatText(*self.common(found, id_, kind), times=max(1, min(count, MOST_ROUNDS)), until=until, do=do)

    def enter(self, node: Mapping, kind: Scalar, id_: Scalar | None, called: str) -> EnterText:
        found = self.parts(node, called, ("enter", "with", "then", "otherwise"))
        self.needs_if(found, called)
        given = (
            self.given(found["with"], f"{called}: with", "write with: {cart_id: entry.cart_id}") if "with" in found else None
        )
        journey = self.shapes.text(found.get("enter"), f"{called}: enter")
        return EnterText(*self.common(found, id_, kind), journey=journey, given=given)

    def differentiate(self, node: Mapping, kind: Scalar, id_: Scalar | None, called: str) -> DifferentiateText:
        found = self.parts(node, called, ("differentiate", "then", "otherwise"))
        self.needs_if(found, called)
        if isinstance(found["differentiate"], Mapping):
            hint = "segments stand under differentiate: of the journey; here write differentiate: again"
            self.problems.error(kind.mark, f"{called}: differentiate decides again, and nothing else", hint)
        else:
            self.shapes.choice(found["differentiate"], f"{called}: differentiate", ("again",))
        return DifferentiateText(*self.common(found, id_, kind))

    def common(
        self, found: dict[str, Node], id_: Scalar | None, kind: Scalar
    ) -> tuple[Scalar | None, Mark, Scalar | None, BranchText | None, BranchText | None]:
        when = self.shapes.text(found.get("if"), "if")
        return id_, kind.mark, when, self.branch(found.get("then")), self.branch(found.get("otherwise"))

    def needs_if(self, found: dict[str, Node], called: str) -> None:
        if "otherwise" in found and "if" not in found:
            hint = "add if:, or take otherwise out"
            self.problems.error(found["otherwise"].mark, f"{called}: otherwise is for when its if does not hold", hint)

    def branch(self, node: Node | None) -> BranchText | None:
        """``continue``, ``exit <reason>``, one step, or a list of steps."""
        if node is None:
            return None
        if not isinstance(node, Scalar):
            return BranchText(node.mark, steps=self.steps(node, "a branch"))
        text = node.value.strip()
        if text == "continue":
            return BranchText(node.mark)
        if text.startswith("exit ") and text.removeprefix("exit ").strip():
            return BranchText(node.mark, reason=text.removeprefix("exit ").strip())
        hint = "write exit and a reason, such as exit not_interested" if text == "exit" else None
        hint = hint or did_you_mean(text, ("continue",)) or "write continue, exit <reason>, or steps"
        self.problems.error(node.mark, f'a branch cannot be "{text}"', hint)
        return None
