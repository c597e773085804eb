"""A journey file as it is written: its parts and steps in their shape, each with its place, before anything is
resolved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from idic.journey.problems import Mark, Problems, did_you_mean, one_of
from idic.journey.shapes import Shapes, arrives_later
from idic.journey.source import Mapping, Node, Scalar, Sequence
from idic.journey.times import Duration
from idic.journey.wording import MessageText, read_messages

SECTIONS = (
    "journey", "title", "purpose", "topic", "identify", "differentiate", "interact", "goal", "leave", "customize",
)  # fmt: skip
KINDS = ("wait", "wait_for", "choose", "split", "send", "exit")
LATER_KINDS = ("set", "call", "repeat", "enter", "differentiate")

_NOTHING = Duration()
_NOT_IDS = ("entry", "wait")
_LAUNCH = ("starts", "ends", "at_most", "only")
_LATER_ENTRIES = ("every", "once", "date", "for_each", "at", *_LAUNCH)
CHANNELS = ("email", "sms", "web")
Mode = Literal["each", "first_of", "best_of"]
_OF_OTHERS = {
    "trigger": "identify:", "triggers": "identify:", "entry": "identify:", "enter": "identify:",
    "steps": "interact:", "flow": "interact:", "actions": "interact:",
    "content": "customize:", "contents": "customize:", "messages": "customize:", "templates": "customize:",
    "segments": "differentiate:", "audience": "differentiate:",
    "conversion": "goal:", "goals": "goal:", "exit": "leave:", "exits": "leave:", "exit_on": "leave:",
    "name": "journey:", "id": "journey:",
}  # fmt: skip
_KINDS_OF_OTHERS = {
    "delay": "wait:", "sleep": "wait:", "email": "send: … with by: email", "message": "send:", "branch": "choose:",
    "switch": "choose:", "when": "choose:", "condition": "choose:", "ab_test": "split:", "test": "split:",
    "wait_until": "wait_for:", "listen": "wait_for:", "end": "exit:", "stop": "exit:", "leave": "exit:",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """``steps`` to take, or the ``reason`` of an exit; neither: go on after the parent."""

    mark: Mark
    steps: tuple[StepText, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PatternText:
    """An event to match, as written; ``of``, ``since``, ``capture`` and ``then`` only in a wait_for."""

    on: Scalar
    when: Scalar | None = None
    any_key: bool = False
    of: Scalar | None = None
    since: Scalar | None = None
    capture: Scalar | None = None
    then: Branch | None = None


@dataclass(frozen=True, slots=True, eq=False)
class StepText:
    """What every step has. ``id`` None: it is missing, which has been told; ``mark`` is the word that says its kind."""

    id: Scalar | None
    mark: Mark
    when: Scalar | None = None
    then: Branch | None = None
    otherwise: Branch | None = None


@dataclass(frozen=True, slots=True, eq=False)
class WaitText(StepText):
    duration: Duration = _NOTHING
    without: PatternText | None = None
    capture: Scalar | None = None


@dataclass(frozen=True, slots=True, eq=False)
class WaitForText(StepText):
    arms: tuple[PatternText, ...] = ()
    within: Duration = _NOTHING


@dataclass(frozen=True, slots=True, eq=False)
class ChooseText(StepText):
    branches: tuple[tuple[Scalar, Branch], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SplitText(StepText):
    shares: tuple[tuple[Scalar, int, Branch | None], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SendText(StepText):
    message: Scalar | None = None
    channels: tuple[Scalar, ...] = ()
    mode: Mode = "each"
    within: Duration | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ExitText(StepText):
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class EntryText:
    on: tuple[PatternText, ...] = ()
    when: Scalar | None = None
    key: Scalar | None = None
    again: Literal["never", "always"] | Duration = "never"
    while_in: Literal["ignore", "restart"] = "ignore"


@dataclass(frozen=True, slots=True, eq=False)
class GoalText:
    on: tuple[PatternText, ...]
    within: Duration | None = None
    value: Scalar | None = None
    then: Literal["leave", "continue"] = "leave"


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    name: Scalar
    title: Scalar | None
    purpose: Literal["marketing", "service"]
    topic: Scalar | None
    entry: EntryText
    segments: tuple[tuple[Scalar, Scalar | None], ...]
    steps: tuple[StepText, ...]
    goal: GoalText | None
    leave: tuple[PatternText, ...]
    messages: tuple[MessageText, ...]


def define(root: Node, problems: Problems) -> Definition | None:
    """The parts of a journey; None when the file is no mapping. What is wrong has been told, and is left out."""
    return _Definer(problems).whole(root)


class _Definer:
    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.shapes = Shapes(problems)

    def whole(self, root: Node) -> Definition | None:
        found = self.shapes.fields(
            root,
            "the journey",
            SECTIONS,
            required=("journey", "identify", "interact"),
            later=(*_LAUNCH, "values"),
            instead=_OF_OTHERS,
        )
        if found is None:
            return None
        name = self.shapes.text(found.get("journey"), "journey")
        if name is not None:
            self.shapes.name(name, "journey")
        purpose = self.shapes.choice(found.get("purpose"), "purpose", ("marketing", "service"))
        entry = self.entry(found["identify"]) if "identify" in found else None
        steps = self.steps(found["interact"], "interact") if "interact" in found else ()
        return Definition(
            name=name or Scalar(root.source, "", root.start, root.start, '"'),
            title=self.shapes.text(found.get("title"), "title", free=True),
            purpose="service" if purpose == "service" else "marketing",
            topic=self.topic(found.get("topic")),
            entry=entry or EntryText(),
            segments=self.segments(found.get("differentiate")),
            steps=steps,
            goal=self.goal(found.get("goal")),
            leave=self.patterns(found.get("leave"), "leave"),
            messages=read_messages(found.get("customize"), self.shapes, self.problems),
        )

    def topic(self, node: Node | None) -> Scalar | None:
        topic = self.shapes.text(node, "topic")
        if topic is not None:
            self.shapes.name(topic, "topic", field=True)
        return topic

    # identify, differentiate

    def entry(self, node: Node) -> EntryText | None:
        known = ("on", "if", "key", "again", "while_in")
        found = self.shapes.fields(
            node, "identify", known, required=() if _has(node, _LATER_ENTRIES) else ("on",), later=_LATER_ENTRIES
        )
        if found is None:
            return None
        while_in = self.shapes.choice(found.get("while_in"), "while_in", ("ignore", "restart"))
        return EntryText(
            on=self.patterns(found.get("on"), "on"),
            when=self.shapes.text(found.get("if"), "if"),
            key=self.shapes.text(found.get("key"), "key"),
            again=self.again(found.get("again")),
            while_in="restart" if while_in == "restart" else "ignore",
        )

    def again(self, node: Node | None) -> Literal["never", "always"] | Duration:
        text = self.shapes.text(node, "again")
        if text is None or text.value == "never":
            return "never"
        if text.value == "always":
            return "always"
        if text.value.startswith("after "):
            try:
                return Duration.parse(text.value.removeprefix("after "))
            except ValueError as error:
                self.problems.error(text.mark, f"again: {error}")
                return "never"
        self.problems.error(text.mark, f'again cannot be "{text.value}"', "write never, always or after 14 days")
        return "never"

    def segments(self, node: Node | None) -> tuple[tuple[Scalar, Scalar | None], ...]:
        if node is None:
            return ()
        if not isinstance(node, Mapping):
            self.problems.error(node.mark, "differentiate consists of segments", "write vip: customer.orders > 10")
            return ()
        segments: list[tuple[Scalar, Scalar | None]] = []
        rest: Scalar | None = None
        for name, value in node.entries:
            if name.value == "values":
                self.problems.error(name.mark, arrives_later("values in differentiate"))
                continue
            condition = self.shapes.text(value, f"segment {name.value}")
            if not self.shapes.name(name, "segment", field=True) or condition is None:
                continue
            if rest is not None:
                hint = f"move {rest.value} to the end"
                self.problems.error(name.mark, f"segment {name.value} comes after otherwise and is never reached", hint)
            if condition.value == "otherwise":
                rest = name
            segments.append((name, None if condition.value == "otherwise" else condition))
        return tuple(segments)

    # interact

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
        later = [key for key, _ in node.entries if key.value in LATER_KINDS]
        id_ = self.shapes.text(node.get("id"), "id")
        called = f'step "{id_.value}"' if id_ else "the step"
        if node.key("id") is None:
            self.problems.error(node.mark, "a step has no id", "give it one, unique in this file: id: first_mail")
        elif id_ is not None and (self.shapes.name(id_, "id", field=node.key("split") is None) and id_.value in _NOT_IDS):
            self.problems.error(id_.mark, f'id "{id_.value}" has a meaning of its own after since', "choose another")
        if later:
            word = f"{later[0].value}: again" if later[0].value == "differentiate" else later[0].value
            self.problems.error(later[0].mark, f"{called}: {arrives_later(f'the step {word}')}")
            return None
        if len(kinds) > 1:
            words = " and ".join(f"{key.value} (line {key.mark.line})" for key in kinds)
            self.problems.error(kinds[1].mark, f"{called} is two kinds in one: {words}", "make two steps of it")
            return None
        if not kinds:
            self.no_kind(node, called)
            return None
        kind = kinds[0]
        match kind.value:
            case "wait":
                return self.wait(node, kind, id_, called)
            case "wait_for":
                return self.wait_for(node, kind, id_, called)
            case "choose":
                return self.choose(node, kind, id_, called)
            case "split":
                return self.split(node, kind, id_, called)
            case "send":
                return self.send(node, kind, id_, called)
            case _:
                return self.exit(node, kind, id_, called)

    def no_kind(self, node: Mapping, called: str) -> None:
        common = ("id", "if", "then", "otherwise", "within", "do", "by", "at", "without", "as")
        for key, _ in node.entries:
            if key.value in common:
                continue
            other = _KINDS_OF_OTHERS.get(key.value.lower())
            hint = f"write {other}" if other else did_you_mean(key.value, KINDS) or f"there are {one_of(KINDS)}"
            self.problems.error(key.mark, f"{called}: there is no step {key.value}", hint)
            return
        self.problems.error(node.mark, f"{called} does nothing", f"write {one_of(KINDS)}")

    def parts(self, node: Mapping, called: str, known: tuple[str, ...], later: tuple[str, ...] = ()) -> dict[str, Node]:
        instead = {"then": "the next step after it: every branch of it goes on there"} if "then" not in known else None
        return self.shapes.fields(node, called, ("id", "if", *known), later=later, instead=instead) or {}

    def wait(self, node: Mapping, kind: Scalar, id_: Scalar | None, called: str) -> WaitText:
        found = self.parts(node, called, ("wait", "without", "as", "then", "otherwise"))
        length, duration = self.shapes.text(found.get("wait"), f"{called}: wait"), None
        if length is not None and length.value.startswith("until"):
            self.problems.error(length.mark, f"{called}: {arrives_later('wait: until …')}", "write how long: wait: 4 hours")
        elif length is not None:
            duration = self.shapes.duration(length, f"{called}: wait")
        without = self.pattern(found["without"], f"{called}: without", ("on", "if", "key")) if "without" in found else None
        capture = self.capture(found.get("as"))
        if capture is not None and "without" not in found:
            self.problems.error(capture.mark, f"{called}: as names the event of without", "add without:, or take as out")
        self.needs_if(found, called)
        return WaitText(*self.common(found, id_, kind), duration=duration or _NOTHING, without=without, capture=capture)

    def wait_for(self, node: Mapping, kind: Scalar, id_: Scalar | None, called: str) -> WaitForText:
        found = self.parts(node, called, ("wait_for", "within", "then", "otherwise"))
        for name, example in (("within", "within: 2 days"), ("otherwise", "otherwise: continue")):
            if node.key(name) is None:
                self.problems.error(kind.mark, f"{called}: wait_for needs {name}", f"write {example}")
        arms = self.patterns(found.get("wait_for"), f"{called}: wait_for", ("on", "if", "key", "of", "since", "as", "then"))
        within = self.shapes.duration(found.get("within"), f"{called}: within")
        return WaitForText(*self.common(found, id_, kind), arms=arms, within=within or _NOTHING)

    def choose(self, node: Mapping, kind: Scalar, id_: Scalar | None, called: str) -> ChooseText:
        found = self.parts(node, called, ("choose", "otherwise"))
        value, branches = found["choose"], []
        if isinstance(value, Sequence) and value.items:
            for item in value.items:
                parts = self.shapes.fields(item, f"{called}: a branch", ("if", "do"), required=("if", "do"))
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
        found = self.parts(node, called, ("split", "do", "otherwise"))
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
        text = self.shapes.text(node, what)
        if text is None:
            return None
        if text.value.isdecimal() and 0 < int(text.value) <= 100:
            return int(text.value)
        self.problems.error(text.mark, f"{what} cannot be {text.value}", "write a whole number of percent, such as 20")
        return None

    def send(self, node: Mapping, kind: Scalar, id_: Scalar | None, called: str) -> SendText:
        found = self.parts(node, called, ("send", "by", "at", "within", "then", "otherwise"))
        if isinstance(at := found.get("at"), Scalar) and at.value != "now":
            self.problems.error(at.mark, f"{called}: {arrives_later(f'at: {at.value}')}", "take it out, or write at: now")
        within = self.shapes.duration(found.get("within"), f"{called}: within")
        if node.key("by") is None:
            self.problems.error(kind.mark, f"{called}: send needs by", "write by: email")
        message = self.shapes.text(found.get("send"), f"{called}: send")
        mode, channels = self.by(found.get("by"), called)
        return SendText(*self.common(found, id_, kind), message=message, channels=channels, mode=mode, within=within)

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

    def common(
        self, found: dict[str, Node], id_: Scalar | None, kind: Scalar
    ) -> tuple[Scalar | None, Mark, Scalar | None, Branch | None, Branch | None]:
        when = self.shapes.text(found.get("if"), "if")
        return id_, kind.mark, when, self.branch(found.get("then")), self.branch(found.get("otherwise"))

    def needs_if(self, found: dict[str, Node], called: str) -> None:
        if "otherwise" in found and "if" not in found:
            hint = "add if:, or take otherwise out"
            self.problems.error(found["otherwise"].mark, f"{called}: otherwise is for when its if does not hold", hint)

    def branch(self, node: Node | None) -> Branch | None:
        """``continue``, ``exit <reason>``, one step, or a list of steps."""
        if node is None:
            return None
        if not isinstance(node, Scalar):
            return Branch(node.mark, steps=self.steps(node, "a branch"))
        text = node.value.strip()
        if text == "continue":
            return Branch(node.mark)
        if text.startswith("exit ") and text.removeprefix("exit ").strip():
            return Branch(node.mark, reason=text.removeprefix("exit ").strip())
        hint = "write exit and a reason, such as exit not_interested" if text == "exit" else None
        hint = hint or did_you_mean(text, ("continue",)) or "write continue, exit <reason>, or steps"
        self.problems.error(node.mark, f'a branch cannot be "{text}"', hint)
        return None

    # Events, wherever they are matched.

    def patterns(self, node: Node | None, what: str, known: tuple[str, ...] = ("on", "if", "key")) -> tuple[PatternText, ...]:
        if node is None:
            return ()
        items = node.items if isinstance(node, Sequence) else (node,)
        if not items:
            self.problems.error(node.mark, f"{what} names no event", "write one")
        return tuple(pattern for item in items if (pattern := self.pattern(item, what, known)))

    def pattern(self, node: Node, what: str, known: tuple[str, ...]) -> PatternText | None:
        if isinstance(node, Scalar):
            on = self.shapes.text(node, what)
            return PatternText(on) if on else None
        if isinstance(node, Sequence):
            self.problems.error(node.mark, f"{what} is a list in a list", "write one event after each -")
            return None
        if node.key("until") is not None:
            self.problems.error(node.mark, f"{what}: {arrives_later('until')}")
            return None
        found = self.shapes.fields(node, what, known, required=("on",))
        on = self.shapes.text(found.get("on"), f"{what}: on") if found else None
        if found is None or on is None:
            return None
        return PatternText(
            on=on,
            when=self.shapes.text(found.get("if"), f"{what}: if"),
            any_key=self.shapes.choice(found.get("key"), f"{what}: key", ("any",)) == "any",
            of=self.shapes.text(found.get("of"), f"{what}: of"),
            since=self.shapes.text(found.get("since"), f"{what}: since"),
            capture=self.capture(found.get("as")),
            then=self.branch(found.get("then")),
        )

    def capture(self, node: Node | None) -> Scalar | None:
        capture = self.shapes.text(node, "as")
        return capture if capture is not None and self.shapes.name(capture, "as") else None

    # goal

    def goal(self, node: Node | None) -> GoalText | None:
        if node is None:
            return None
        if not isinstance(node, Mapping):
            on = self.patterns(node, "goal")
            return GoalText(on) if on else None
        found = self.shapes.fields(node, "goal", ("on", "if", "key", "within", "value", "then"), required=("on",)) or {}
        when = self.shapes.text(found.get("if"), "goal: if")
        any_key = self.shapes.choice(found.get("key"), "goal: key", ("any",)) == "any"
        on = tuple(
            PatternText(pattern.on, pattern.when or when, pattern.any_key or any_key)
            for pattern in self.patterns(found.get("on"), "goal: on")
        )
        then = self.shapes.choice(found.get("then"), "goal: then", ("leave", "continue"))
        return GoalText(
            on=on,
            within=self.shapes.duration(found.get("within"), "goal: within"),
            value=self.shapes.text(found.get("value"), "goal: value"),
            then="continue" if then == "continue" else "leave",
        )


def _has(node: Node, names: tuple[str, ...]) -> bool:
    return isinstance(node, Mapping) and any(key.value in names for key, _ in node.entries)
