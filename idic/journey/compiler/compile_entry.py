"""Compile ``identify:``: which customers enter a journey, and when."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from idic.journey.compiler.compile_conditions import ConditionCompiler
from idic.journey.definition.definition import EntryDefinition
from idic.journey.program.entry import Again, Day, Entry
from idic.journey.program.values import Condition, Pattern
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.problems import Problems, did_you_mean, one_of
from idic.times import Duration


def key_property(entry: EntryDefinition, vocabulary: Vocabulary, problems: Problems) -> str | None:
    """The property that tells the entries of a journey apart; None without a valid key."""
    key = entry.key
    if key is None or entry.timed:
        return None  # a timed entry has no event to read a key from, which has been reported
    root, _, name = key.value.partition(".")
    if root != "event" or not name or "." in name:
        hint = "write the property that tells entries apart, such as key: event.cart_id"
        problems.error(key.mark, f'the key cannot be "{key.value}"', hint)
        return None
    for pattern in entry.on:
        properties = vocabulary.events.get(pattern.on.value)
        if properties is None:
            continue
        if name not in properties:
            message = f'event "{pattern.on.value}" has no property {name}'
            hint = did_you_mean(name, properties) or "every event under on: must have the key"
            problems.error(key.at(6, len(name)), message, hint, about=("key", name))
        elif properties[name].type.kind in ("list", "thing", "yes/no"):
            problems.error(key.mark, f"{key.value} cannot tell entries apart", "a key is a text or a number")
    return name


class EntryCompiler:
    """Compiles the entry of one journey."""

    def __init__(self, text: EntryDefinition, conditions: ConditionCompiler) -> None:
        self.text = text
        self.conditions = conditions
        self.names = conditions.names
        self.vocabulary = conditions.vocabulary
        self.problems = conditions.problems

    def entry(self) -> Entry:
        """The compiled entry."""
        entry = self.text
        patterns = self.patterns()
        names = self.names.by_the_clock()
        day = None
        if entry.day is not None:
            moment = self.conditions.moment("identify", entry.day, names)
            day = Day(moment=moment, yearly=entry.yearly) if moment is not None else None
        again: Again
        match entry.again:
            case Duration() as after:
                again = Again(kind="after", after=after)
            case None:
                again = Again(kind="always" if entry.every or entry.day else "never")
            case kind:
                again = Again(kind=kind)
        return Entry(
            on=patterns,
            for_each=self.for_each(),
            every=entry.every,
            once=self.in_zone(entry.once),
            day=day,
            when=self.conditions.condition("identify", entry.when, names) if entry.timed else None,
            key=self.conditions.key,
            again=again,
            while_in=entry.while_in,
            starts=self.in_zone(entry.starts),
            ends=self.in_zone(entry.ends),
            at_most=entry.at_most,
            testers=entry.testers,
        )

    def patterns(self) -> tuple[Pattern, ...]:
        """The events under ``on:``, each with its own ``if`` and that of the entry."""
        entry = self.text
        patterns = []
        for pattern in entry.on:
            names = self.names.at_entry(pattern.on.value)
            known = self.conditions.is_event(pattern.on)
            if pattern.any_key:
                self.problems.error(pattern.on.mark, "key: any is only for the events of waits, goal and leave", "take it out")
            conditions = [
                self.conditions.condition("identify", text, names) if known else None for text in (entry.when, pattern.when)
            ]
            patterns.append(Pattern(on=pattern.on.value, when=_both(*conditions)))
        seen: set[str] = set()
        for pattern in entry.on:
            if pattern.on.value in seen and pattern.when is None:
                self.problems.error(pattern.on.mark, f"{pattern.on.value} is there twice", "keep one")
            seen.add(pattern.on.value)
        return tuple(patterns)

    def for_each(self) -> Condition | None:
        """The condition that selects the customers whom an event about a thing concerns."""
        entry = self.text
        about = {pattern.on.value: self.vocabulary.about.get(pattern.on.value) for pattern in entry.on}
        things = [event for event, thing in about.items() if thing is not None]
        others = [event for event, thing in about.items() if thing is None]
        text = entry.for_each
        if text is None:
            for pattern in entry.on:
                if thing := about[pattern.on.value]:
                    message = f"identify: {pattern.on.value} is about a {thing}, and nothing says which customers it concerns"
                    self.problems.error(pattern.on.mark, message, "write for_each: event.sku in customer.wishlist")
                    break
            return None
        if not things:
            if not entry.timed and entry.on and all(event in self.vocabulary.events for event in about):
                message = f"identify: for_each is for events about a thing, and {one_of(others, 'and')} is about the customer"
                self.problems.error(text.mark, message, "take it out, or write about: product for the event in the vocabulary")
            return None
        if others:
            message = f"identify: {things[0]} is about a {about[things[0]]}, and {others[0]} is about a customer"
            self.problems.error(text.mark, message, "write two journeys")
            return None
        condition: Condition | None = None
        for event in things:
            condition = self.conditions.condition("identify: for_each", text, self.names.at_entry(event))
        if condition is not None and not any(name.startswith("customer.") for name in condition.reads):
            hint = "compare it with data of the customer: event.sku in customer.wishlist"
            self.problems.error(text.mark, "identify: for_each does not mention the customer", hint)
        return condition

    def in_zone(self, wall: datetime | None) -> datetime | None:
        """The UTC instant of a wall-clock time in the vocabulary's zone."""
        return wall and wall.replace(tzinfo=ZoneInfo(self.vocabulary.zone)).astimezone(UTC)


def _both(first: Condition | None, second: Condition | None) -> Condition | None:
    """The condition that holds if both do; a missing one always holds."""
    if first is None or second is None:
        return first or second
    return Condition(
        text=f"({first.text}) and ({second.text})", cel=f"({first.cel} && {second.cel})", reads={**first.reads, **second.reads}
    )
