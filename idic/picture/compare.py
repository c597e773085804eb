"""Compare two programs of a journey, as customers would notice it.

Steps are compared by their ids. A step has changed if it leads elsewhere, but not if a step beside it was added or removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher, unified_diff
from typing import Literal, NamedTuple, TypeVar

from idic.journey.program import phrases
from idic.journey.program.content import Message
from idic.journey.program.flow import in_order
from idic.journey.program.phrases import Description
from idic.journey.program.program import Program
from idic.journey.program.steps import AnyStep
from idic.journey.program.values import Endpoint, Target
from idic.picture import describe
from idic.times import Duration

Part = Literal["journey", "entry", "segments", "steps", "goal", "leave", "messages"]
Change = Literal["added", "removed", "moved", "changed"]
K = TypeVar("K")
V = TypeVar("V")
_LONG = 100
_MOST_LINES = 14
_NAMED = ("if", "within", "as", "at", "from", "until", "again:", "worth", "starts", "ends", "then", "at most")


class Difference(NamedTuple):
    """One thing that changed. ``where`` is the id of a step, the name of a message or of a segment, or empty. ``what`` is the
    part of it that has the values ``before`` and ``after``; one of them is None if it was added or removed. ``lines`` are the
    changed lines of a longer text, each after ``-`` or ``+``. ``content``: only words that customers read."""

    part: Part
    change: Change
    where: str
    what: str = ""
    before: str | None = None
    after: str | None = None
    lines: tuple[str, ...] = ()
    content: bool = False

    def __str__(self) -> str:
        name = f'{_NOUNS[self.part]} "{self.where}"' if self.where else self.part
        if self.change == "moved":
            return f"{name}: moved, {self.what}"
        if self.change != "changed":
            value = self.after if self.change == "added" else self.before
            shown = f": {value}" if value else ""
            if self.what and self.part != "steps":
                return f"{name}: {self.what} {self.change}{shown}"
            return f"{name}: {self.change}{f', {self.what}' if self.what else ''}{shown}"
        about = f" {self.what}:" if self.what else ""
        if self.lines:
            return f"{name}:{about} other words"
        if self.before is None or self.after is None:
            return f"{name}:{about} {'no longer ' + (self.before or '') if self.after is None else 'now ' + self.after}"
        return f"{name}:{about} {self.before} → {self.after}"


_NOUNS = {
    "steps": "step",
    "messages": "message",
    "segments": "segment",
    "journey": "journey",
    "entry": "entry",
    "goal": "goal",
    "leave": "leave",
}


def differences(old: Program, new: Program) -> list[Difference]:
    """Every difference, in the order of a journey file. Empty only for programs that are the same."""
    visible = [
        *_head(old, new),
        *_described("entry", "", describe.entry(old.entry, old.zone), describe.entry(new.entry, new.zone)),
        *_segments(old, new),
        *_Steps(old, new).differences(),
        *_goal(old, new),
        *_messages(old, new),
    ]
    return [*visible, *_invisible(old, new, visible)]


def verdict(old: Program, new: Program) -> str:
    """What the change means for customers inside the journey."""
    if old.id == new.id:
        return "the same program"
    if old.flow == new.flow:
        return "only content changed: the flow is the same, so customers inside can get the new words (idic publish --migrate)"
    gone = [name for name, step in old.steps.items() if name not in new.steps and step.stops]
    stand = f"; say where customers at {' or '.join(gone)} go" if gone else ""
    return (
        "the flow changed: new customers take the new one, customers inside finish the former one, unless you move them "
        f"(idic publish --migrate){stand}"
    )


# The journey as a whole


def _head(old: Program, new: Program) -> Iterator[Difference]:
    for name in ("title", "purpose", "topic", "late", "zone", "currency", "country", "language", "languages"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            was, now = (", ".join(value) if isinstance(value, tuple) else value for value in (before, after))
            yield Difference("journey", "changed", "", name, was, now, content=name == "title")
    for name, before, after in _pairs(old.links, new.links):
        yield Difference("journey", _change(before, after), "", f"link {name}", before, after, content=True)


def _described(part: Part, where: str, before: Description, after: Description) -> Iterator[Difference]:
    """The differences of two descriptions. Notes of the same kind, such as ``within …``, are compared with each other."""
    if before.title != after.title:
        yield Difference(part, "changed", where, "", _plain(before.title), _plain(after.title))
    for kind, was, now in _pairs(_by_kind(before.notes), _by_kind(after.notes)):
        says_itself = kind in (was, now) or kind in _NAMED or (was and now)
        yield Difference(part, "changed", where, "" if says_itself else kind, was, now)


def _by_kind(notes: Iterable[str]) -> dict[str, str]:
    by_kind: dict[str, str] = {}
    for note in notes:
        name, equals, _ = note.partition(" = ")
        kind = name if equals else next((word for word in _NAMED if note.startswith(f"{word} ")), note)
        by_kind[kind] = note
    return by_kind


def _segments(old: Program, new: Program) -> Iterator[Difference]:
    values = [{one.name: one.value.text for one in program.values} for program in (old, new)]
    for name, before, after in _pairs(*values):
        yield Difference("segments", _change(before, after), "", f"value {name}", before, after)
    rules = [{one.name: one.when.text if one.when else "otherwise" for one in program.segments} for program in (old, new)]
    for name, before, after in _pairs(*rules):
        yield Difference("segments", _change(before, after), name, "", before, after)
    common = [[name for name in those if name in rules[0] and name in rules[1]] for those in rules]
    if common[0] != common[1]:
        yield Difference("segments", "changed", "", "order", ", ".join(common[0]), ", ".join(common[1]))


def _goal(old: Program, new: Program) -> Iterator[Difference]:
    before, after = (describe.goal(program.goal) if program.goal else None for program in (old, new))
    if before and after:
        yield from _described("goal", "", before, after)
    elif before or after:
        was, now = (_plain(", ".join((one.title, *one.notes))) if one else None for one in (before, after))
        yield Difference("goal", _change(was, now), "", "", was, now)
    leaves = [[phrases.event(one) for one in program.leave] for program in (old, new)]
    yield from (Difference("leave", "removed", "", "", before=one) for one in leaves[0] if one not in leaves[1])
    yield from (Difference("leave", "added", "", "", after=one) for one in leaves[1] if one not in leaves[0])


# Steps


class _Steps:
    def __init__(self, old: Program, new: Program) -> None:
        self.old, self.new = old, new
        self.before, self.after = in_order(old), in_order(new)
        self.common = [name for name in self.after if name in old.steps]

    def differences(self) -> Iterator[Difference]:
        moved = self.moved()
        for name in self.after:
            step = self.new.steps[name]
            if name not in self.old.steps:
                yield Difference("steps", "added", name, self.place(self.new, name), after=_in_words(step))
                continue
            if name in moved:
                yield Difference("steps", "moved", name, self.place(self.new, name))
            yield from self.step(self.old.steps[name], step, moved)
        for name in self.before:
            if name not in self.new.steps:
                yield Difference("steps", "removed", name, "", before=_in_words(self.old.steps[name]))

    def moved(self) -> set[str]:
        """The smallest set of steps that moved, if all others stayed in their order."""
        before = [name for name in self.before if name in self.new.steps]
        matched = SequenceMatcher(None, before, self.common, autojunk=False).get_matching_blocks()
        stayed = {name for start, _, size in matched for name in before[start : start + size]}
        return set(self.common) - stayed

    def place(self, program: Program, name: str) -> str:
        if program.first.step == name:
            return "first"
        before = [step.id for step in program.steps.values() if any(target.step == name for target in step.targets())]
        return f"after {' and '.join(before[:3])}" if before else ""

    def step(self, before: AnyStep, after: AnyStep, moved: set[str]) -> Iterator[Difference]:
        found = [*_described("steps", after.id, before.describe(), after.describe())]
        one, other = before.called_endpoint(), after.called_endpoint()
        if one is not None and other is not None:
            found += _endpoint(after.id, one, other)
        found += self.ways(before, after, moved)
        if not found and _own(before) != _own(after):
            fields = [name for name, one, other in _pairs(_own(before), _own(after))]
            found.append(Difference("steps", "changed", after.id, f"in {', '.join(fields)}", "as it was", "as it is now"))
        yield from found

    def ways(self, before: AnyStep, after: AnyStep, moved: set[str]) -> Iterator[Difference]:
        """Changes of where a step leads, and when. Steps that were added, removed or moved on the way do not count."""
        one, other = ({label: self.settled(program, target, moved) for label, target in _reasons(step)}
                      for program, step in ((self.old, before), (self.new, after)))  # fmt: skip
        for label, place in other.items():
            if label in one and one[label] != place and not (after.id in moved and not label):
                told = f"{label}: {one[label]}" if label else one[label]
                yield Difference("steps", "changed", after.id, "leads", told, place)
        gone = {label: place for label, place in one.items() if label not in other}
        for label, place in other.items():
            if label in one:
                continue
            was = next((name for name in gone if gone[name] == place), None)
            if was is None:
                yield Difference("steps", "changed", after.id, "leads", after=f"{label}: {place}" if label else place)
            elif (only := gone.pop(was)) and was and label and not _named_in_title(before, after):
                yield Difference("steps", "changed", after.id, only, was, label)
        for label, place in gone.items():
            yield Difference("steps", "changed", after.id, "leads", before=f"{label}: {place}" if label else place)

    def settled(self, program: Program, target: Target, moved: set[str]) -> str:
        """The first step from here on that is in both programs and did not move, or the exit."""
        seen: set[str] = set()
        while target.step is not None and (target.step not in self.common or target.step in moved):
            if target.step in seen or (step := program.steps[target.step]).exit_reason is not None:
                break
            seen.add(target.step)
            target = step.default
        if target.step is None:
            return "done" if target.exit == "done" else f"exit {target.exit}"
        step = program.steps[target.step]
        leaves = step.exit_reason is not None and target.step not in self.common
        return f"exit {step.exit_reason}" if leaves else f"on to {target.step}"


def _reasons(step: AnyStep) -> Iterator[tuple[str, Target]]:
    yield from step.ways()
    if step.round_begins is not None:
        yield "every round", step.round_begins


def _named_in_title(before: AnyStep, after: AnyStep) -> bool:
    """A wait for one event names it in its title."""
    return all(len(step.lines()) == 1 for step in (before, after)) and (before.describe().title != after.describe().title)


def _endpoint(step: str, before: Endpoint, after: Endpoint) -> Iterator[Difference]:
    one, other = (endpoint.model_dump(mode="json") for endpoint in (before, after))
    if one["name"] == other["name"]:
        for name, was, now in _pairs(one, other):
            # An address or a header may hold a secret.
            shown = (str(was), str(now)) if name in ("method", "seconds", "tries") else ("as it was", "as it is now")
            yield Difference("steps", "changed", step, f"endpoint {after.name}, {name}", *shown)


def _own(step: AnyStep) -> dict[str, object]:
    """A step without where it leads."""

    def without(value: object) -> object:
        if isinstance(value, dict):
            return {name: without(inner) for name, inner in value.items() if not _is_target(inner)}
        return [without(inner) for inner in value] if isinstance(value, list) else value

    own = without(step.model_dump(mode="json"))
    assert isinstance(own, dict)
    return own


def _is_target(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == Target.model_fields.keys()


def _in_words(step: AnyStep) -> str:
    description = step.describe()
    return _plain(", ".join((description.title, *description.notes)))


# Messages


def _messages(old: Program, new: Program) -> Iterator[Difference]:
    for name, before, after in _pairs(old.messages, new.messages):
        if before is None or after is None:
            message = before or after
            by = " and ".join(phrases.channel(channel) for channel in message.contents) if message else ""
            yield Difference("messages", _change(before, after), name, f"by {by}", content=True)
        else:
            yield from _message(before, after)
    blocks = [
        {name: text for message in program.messages.values() for name, text in message.blocks.items()} for program in (old, new)
    ]
    for name, was, now in _pairs(*blocks):
        if was is not None and now is not None:
            yield _text("", f"block {name}", was, now)


def _message(before: Message, after: Message) -> Iterator[Difference]:
    for place, one, other in _pairs(_contents(before), _contents(after)):
        variant, channel = place
        spoken = " ".join(filter(None, (phrases.channel(channel), _variant(variant))))
        if one is None or other is None:
            yield Difference("messages", _change(one, other), before.id, spoken, content=True)
            continue
        for name, was, now in _pairs(one, other):
            yield _text(before.id, f"{spoken}, {name.replace('_', ' ')}", _shown(was), _shown(now))


def _contents(message: Message) -> dict[tuple[str, str], dict[str, object]]:
    everybody = {("", channel): one for channel, one in message.contents.items()}
    variants = {(name, channel): one for name, those in message.variants.items() for channel, one in those.items()}
    return {place: one.model_dump(mode="json", exclude_none=True) for place, one in {**everybody, **variants}.items()}


def _variant(name: str) -> str:
    segment, _, language = name.partition("/")
    return " ".join([*([f"for {segment}"] if segment else []), *([f"in {language}"] if language else [])])


def _shown(value: object) -> str | None:
    if isinstance(value, dict):
        return str(Duration.model_validate(value))
    return None if value is None else "yes" if value is True else str(value)


def _text(where: str, what: str, before: str | None, after: str | None) -> Difference:
    change = _change(before, after)
    if before and after and (len(before) > _LONG or len(after) > _LONG or "\n" in before + after):
        lines = list(unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
        lines = [f"{line[0]} {line[1:].strip()}" for line in lines if line[:1] in "+-" and line[1:].strip()]
        rest = len(lines) - _MOST_LINES
        shown = (*lines[:_MOST_LINES], *([f"… and {rest} more lines"] if rest > 0 else []))
        return Difference("messages", "changed", where, what, before, after, shown, True)
    return Difference("messages", change, where, what, before, after, (), True)


# The rest


def _invisible(old: Program, new: Program, found: list[Difference]) -> Iterator[Difference]:
    """Differences that descriptions do not show: a type or a default in the vocabulary, a key, how a condition is evaluated."""
    for name, before, after in _pairs(old.customer, new.customer):
        if before is not None and after is not None:
            yield Difference("journey", "changed", "", f"customer.{name} in the vocabulary", "as it was", "as it is now")
    if old.flow != new.flow and all(one.content for one in found) and old.customer == new.customer:
        yield Difference("journey", "changed", "", "how names are read (types, keys)", "as it was", "as it is now")
    if old.content != new.content and not any(one.content for one in found):
        yield Difference("messages", "changed", "", "what templates read", "as it was", "as it is now", content=True)


def _pairs(before: Mapping[K, V], after: Mapping[K, V]) -> Iterator[tuple[K, V | None, V | None]]:
    """The entries that differ, with both values: first those that there are now, then those that there were."""
    for name in (*after, *(name for name in before if name not in after)):
        if before.get(name) != after.get(name):
            yield name, before.get(name), after.get(name)


def _change(before: object, after: object) -> Change:
    return "added" if before is None else "removed" if after is None else "changed"


def _plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")
