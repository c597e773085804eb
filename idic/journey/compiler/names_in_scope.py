"""Which names can be read where in a journey, with their types, and why the others cannot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from idic.journey.compiler.reachability import PathFacts
from idic.journey.expressions.context import Names
from idic.journey.program.values import Attribute, Type
from idic.journey.vocabulary.built_in import OWN_LINKS, PURPOSES
from idic.journey.vocabulary.read_vocabulary import Reading
from idic.journey.vocabulary.types import LINK, TEXT, describe
from idic.problems import one_of

Properties = Mapping[str, Attribute]


class NamesOfJourney:
    """``entered_on`` (empty: by the clock) and ``captures`` (by as-name) are events' names; ``answers`` (by as-name) what calls
    give; ``splits`` the shares of each; ``segments`` has those of the journey, and ``segmented`` whether everybody is in one.

    ``values`` and ``variables`` get their types while the journey is compiled; a type is None as long as it is not known, or
    where it is wrong, which has been told.
    """

    def __init__(
        self,
        reading: Reading,
        *,
        purpose: str,
        topic: str | None,
        key: bool,
        entered_on: Iterable[str],
        captures: Mapping[str, Iterable[str]],
        answers: Mapping[str, Iterable[Properties]],
        values: Iterable[str],
        variables: Iterable[str],
        splits: Mapping[str, tuple[str, ...]],
        segments: tuple[str, ...],
        segmented: bool,
    ) -> None:
        self.reading = reading
        self.entered_on = tuple(entered_on)
        self.vocabulary = reading.vocabulary
        self.captures = {name: tuple(dict.fromkeys(events)) for name, events in captures.items()}
        self.answers = {name: list(given) for name, given in answers.items()}
        self.values: dict[str, Attribute | None] = dict.fromkeys(values)
        self.variables: dict[str, Type | None] = dict.fromkeys(variables)
        self.splits = splits
        self.segments = segments
        self.absent: dict[str, str] = {}
        self.customer: dict[str, Attribute] = {}
        for name, attribute in self.vocabulary.customer.items():
            allowed = self.vocabulary.restricted.get(name)
            if allowed is None or {purpose, topic} & set(allowed):
                self.customer[f"customer.{name}"] = attribute
            else:
                kind = self.vocabulary.sensitive.get(name)
                sensitive = f" (sensitive: {kind})" if kind else ""
                said = f"purpose {purpose}" + (f", topic {topic}" if topic else "")
                wanted = one_of(f"{'purpose' if one in PURPOSES else 'topic'}: {one}" for one in allowed)
                self.absent[f"customer.{name}"] = (
                    f"customer.{name} may be read by a journey with {wanted} only{sensitive}, and this one has {said}"
                )
        self.key = {"key": Attribute(type=TEXT, required=True)} if key else {}
        self.entry = self.of_events("entry", self.entered_on)
        self.segment = (
            {"segment": Attribute(type=Type(kind="one_of", options=segments), required=segmented)} if segments else {}
        )
        self.broken = reading.broken | self.broken_properties("entry", self.entered_on)

    def at_entry(self, event: str) -> Names:
        """In ``if`` of ``identify``, where ``event`` is arriving."""
        names = self.names(self.customer, self.of_events("event", [event]))
        later = {name: f"{name} is decided at entry, and cannot be read before" for name in self.values}
        later |= {name: f"{name} is set by a step, and cannot be read before" for name in self.variables}
        others = {name for on in self.entered_on for name in self.vocabulary.events.get(on, {})}
        absent = {
            **names.absent,
            **later,
            **{f"event.{name}": f'event "{event}" has no property {name}; give each event its own if' for name in others},
            "entry": "entry cannot be read before the journey is entered; here it is event",
            "segment": "segment is decided at entry, and cannot be read before",
            "key": "key is decided at entry, and cannot be read before",
        }
        absent.pop("event" if self.declared([event]) != [{}] else "", None)
        return names._replace(absent=absent, broken=self.broken | self.broken_properties("event", [event]))

    def by_the_clock(self) -> Names:
        """In ``if`` of ``identify`` where the time has come for all customers, and for their own day."""
        why = "this journey is entered by the clock, and not by an event"
        absent = {"event": why, "entry": why, "segment": "segment is decided at entry, and cannot be read before"}
        absent["key"] = "a journey that is entered by the clock has no key"
        absent |= {name: f"{name} is decided at entry, and cannot be read before" for name in self.values}
        absent |= {name: f"{name} is set by a step, and cannot be read before" for name in self.variables}
        return self._without(self.names(self.customer), absent)

    def in_segments(self, decided: Iterable[str] | None = None) -> Names:
        """Where segments are decided, or one of the values, with those ``decided`` before it."""
        before = list(self.values) if decided is None else list(decided)
        absent = {name: f"{name} is decided after this one; move it up" for name in self.values if name not in before}
        absent |= {name: f"{name} is set by a step, and cannot be read here" for name in self.variables}
        if self.segments:
            absent["segment"] = (
                "segment is what is being decided here" if decided is None else "segment is decided after values"
            )
        return self._decided(self._without(self.names(self.customer, self.entry, self.key), absent), before)

    def _decided(self, names: Names, values: Iterable[str]) -> Names:
        known = {name: attribute for name in values if (attribute := self.values[name]) is not None}
        broken = {name for name in values if self.values[name] is None}
        return names._replace(readable={**names.readable, **known}, broken=names.broken | broken)

    def at(self, facts: PathFacts, where: str) -> Names:
        """At a step: ``where`` says which, for messages."""
        names = self._decided(self.names(self.customer, self.entry, self.key, self.segment), self.values)
        absent, readable = dict(names.absent), dict(names.readable)
        captured: dict[str, frozenset[str]] = {}
        broken = set(names.broken)
        for name in dict.fromkeys((*self.captures, *self.answers)):
            events = self.captures.get(name, ())
            if name not in facts.possible:
                what = "captured" if name in self.captures else "answered"
                absent[name] = f"{name} is not {what} on any way to {where}"
                continue
            values = self.of_any(name, [*self.declared(events), *self.answers.get(name, ())])
            certain = name in facts.certain
            captured[name] = frozenset(full for full, attribute in values.items() if attribute.required)
            readable |= {
                full: attribute if certain else attribute.model_copy(update={"required": False})
                for full, attribute in values.items()
            }
            broken |= self.broken_properties(name, events)
        for name, shares in self.splits.items():
            if name not in facts.possible:
                absent[name] = f"the split {name} is on no way to {where}"
            else:
                type_ = Type(kind="one_of", options=shares)
                readable[name] = Attribute(type=type_, required=name in facts.certain)
        for name, variable in self.variables.items():
            if name not in facts.possible:
                absent[name] = f"{name} is not set on any way to {where}"
            elif variable is None:
                broken.add(name)
            else:
                readable[name] = Attribute(type=variable, required=name in facts.certain)
        return names._replace(readable=readable, absent=absent, captures=captured, broken=frozenset(broken))

    def with_event(self, names: Names, event: str) -> Names:
        """The same where ``event`` is being tested."""
        more = self.of_events("event", [event])
        broken = names.broken | self.broken_properties("event", [event])
        absent = {**names.absent, "event": f'event "{event}" declares no properties'}
        return names._replace(absent=absent, broken=broken).plus(more)

    def for_content(self, names: Names) -> Mapping[str, Attribute]:
        """What templates may use: the same names, and the links."""
        links = (*self.vocabulary.links, *OWN_LINKS)
        return {**names.readable, **{f"links.{link}": Attribute(type=LINK, required=True) for link in links}}

    def names(self, *groups: Mapping[str, Attribute]) -> Names:
        readable = {name: attribute for group in groups for name, attribute in group.items()}
        absent = {"event": "event can be read where an event is tested only", **self.absent}
        if not self.key:
            absent["key"] = "this journey has no key; identify: key: would give it one"
        if not self.segments:
            absent["segment"] = "this journey has no segments; differentiate: would give it some"
        absent["links"] = "links are for templates"
        if not self.entered_on:
            absent["entry"] = "this journey is entered by the clock, and not by an event"
        elif not self.entry:
            absent["entry"] = "the events this journey is entered on declare no properties"
        return Names(readable, absent, broken=self.broken, zone=self.vocabulary.zone)

    def of_events(self, root: str, events: Iterable[str]) -> dict[str, Attribute]:
        """The properties of any of these events; a property that not every one of them must have may be missing."""
        return self.of_any(root, self.declared(events))

    def declared(self, events: Iterable[str]) -> list[Properties]:
        return [self.vocabulary.events[event] for event in events if event in self.vocabulary.events]

    def of_any(self, root: str, declared: Iterable[Properties]) -> dict[str, Attribute]:
        declared = list(declared)
        found: dict[str, Attribute] = {}
        for properties in declared:
            for name, attribute in properties.items():
                full = f"{root}.{name}"
                other = found.get(full)
                if other is not None and other.type != attribute.type:
                    kinds = f"{describe(other.type)} in one of its events and {describe(attribute.type)} in another"
                    self.absent[full] = f"{full} is {kinds}"
                    continue
                required = all(name in others and others[name].required for others in declared)
                default = attribute.default if all(name in others for others in declared) else None
                found[full] = Attribute(type=attribute.type, required=required, default=default)
        return {name: attribute for name, attribute in found.items() if name not in self.absent}

    def broken_properties(self, root: str, events: Iterable[str]) -> frozenset[str]:
        names = (name.rpartition(".") for name in self.reading.broken)
        return frozenset(f"{root}.{name}" for event, _, name in names if event in set(events))

    @staticmethod
    def _without(names: Names, absent: Mapping[str, str]) -> Names:
        return names._replace(absent={**names.absent, **absent})
