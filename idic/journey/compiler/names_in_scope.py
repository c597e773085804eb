"""Which names can be read at each place of a journey, and why the others cannot."""

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
    """All names of one journey, and which of them can be read at which place.

    ``entered_on`` are the entry events (none: entered by the clock). ``captures`` are events, and ``answers`` the results of
    calls, by their name under ``as:``. ``splits`` are the shares of each split. ``segments`` are those of the journey, and
    ``segmented`` tells whether every customer is in one.

    ``values`` and ``variables`` get their types while the journey is compiled. A type is None until it is known, and if it is
    wrong, which has been reported.
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
                own = f"purpose {purpose}" + (f", topic {topic}" if topic else "")
                required = one_of(f"{'purpose' if use in PURPOSES else 'topic'}: {use}" for use in allowed)
                self.absent[f"customer.{name}"] = (
                    f"customer.{name} may only be read by a journey with {required}{sensitive}, and this one has {own}"
                )
        self.key = {"key": Attribute(type=TEXT, required=True)} if key else {}
        self.entry = self.of_events("entry", self.entered_on)
        self.segment = (
            {"segment": Attribute(type=Type(kind="one_of", options=segments), required=segmented)} if segments else {}
        )
        self.broken = reading.broken | self.broken_properties("entry", self.entered_on)

    def at_entry(self, event: str) -> Names:
        """The names in the ``if`` of an entry event."""
        names = self.names(self.customer, self.of_events("event", [event]))
        later = {name: f"{name} is decided at entry and cannot be read before" for name in self.values}
        later |= {name: f"{name} is set by a step and cannot be read before" for name in self.variables}
        others = {name for on in self.entered_on for name in self.vocabulary.events.get(on, {})}
        absent = {
            **names.absent,
            **later,
            **{f"event.{name}": f'event "{event}" has no property {name}; give each event its own if' for name in others},
            "entry": "entry cannot be read before the journey is entered; write event",
            "segment": "segment is decided at entry and cannot be read before",
            "key": "key is decided at entry and cannot be read before",
        }
        absent.pop("event" if self.declared([event]) != [{}] else "", None)
        return names._replace(absent=absent, broken=self.broken | self.broken_properties("event", [event]))

    def by_the_clock(self) -> Names:
        """The names in the ``if`` of an entry by the clock."""
        why = "this journey is entered by the clock, not by an event"
        absent = {"event": why, "entry": why, "segment": "segment is decided at entry and cannot be read before"}
        absent["key"] = "a journey that is entered by the clock has no key"
        absent |= {name: f"{name} is decided at entry and cannot be read before" for name in self.values}
        absent |= {name: f"{name} is set by a step and cannot be read before" for name in self.variables}
        return self._without(self.names(self.customer), absent)

    def in_segments(self, decided: Iterable[str] | None = None) -> Names:
        """The names in the conditions of segments; or, with the values ``decided`` so far, in the next value."""
        before = list(self.values) if decided is None else list(decided)
        absent = {name: f"{name} is decided after this one; move it up" for name in self.values if name not in before}
        absent |= {name: f"{name} is set by a step and cannot be read here" for name in self.variables}
        if self.segments:
            absent["segment"] = "segment is being decided here" if decided is None else "segment is decided after values"
        return self._decided(self._without(self.names(self.customer, self.entry, self.key), absent), before)

    def _decided(self, names: Names, values: Iterable[str]) -> Names:
        known = {name: attribute for name in values if (attribute := self.values[name]) is not None}
        broken = {name for name in values if self.values[name] is None}
        return names._replace(readable={**names.readable, **known}, broken=names.broken | broken)

    def at(self, facts: PathFacts, where: str) -> Names:
        """The names at a step, or at another place with these facts. Messages call the place ``where``."""
        names = self._decided(self.names(self.customer, self.entry, self.key, self.segment), self.values)
        absent, readable = dict(names.absent), dict(names.readable)
        captures: dict[str, frozenset[str]] = {}
        broken = set(names.broken)
        for name in dict.fromkeys((*self.captures, *self.answers)):
            events = self.captures.get(name, ())
            if name not in facts.possible:
                verb = "captured" if name in self.captures else "answered"
                absent[name] = f"{name} is not {verb} on any path to {where}"
                continue
            values = self.of_any(name, [*self.declared(events), *self.answers.get(name, ())])
            certain = name in facts.certain
            captures[name] = frozenset(full for full, attribute in values.items() if attribute.required)
            readable |= {
                full: attribute if certain else attribute.model_copy(update={"required": False})
                for full, attribute in values.items()
            }
            broken |= self.broken_properties(name, events)
        for name, shares in self.splits.items():
            if name not in facts.possible:
                absent[name] = f"the split {name} is on no path to {where}"
            else:
                type_ = Type(kind="one_of", options=shares)
                readable[name] = Attribute(type=type_, required=name in facts.certain)
        for name, variable in self.variables.items():
            if name not in facts.possible:
                absent[name] = f"{name} is not set on any path to {where}"
            elif variable is None:
                broken.add(name)
            else:
                readable[name] = Attribute(type=variable, required=name in facts.certain)
        return names._replace(readable=readable, absent=absent, captures=captures, broken=frozenset(broken))

    def with_event(self, names: Names, event: str) -> Names:
        """The same names and those of ``event``: for the condition of an event pattern."""
        more = self.of_events("event", [event])
        broken = names.broken | self.broken_properties("event", [event])
        absent = {**names.absent, "event": f'event "{event}" declares no properties'}
        return names._replace(absent=absent, broken=broken).plus(more)

    def for_content(self, names: Names) -> Mapping[str, Attribute]:
        """The names that templates may use: the same, and the links."""
        links = (*self.vocabulary.links, *OWN_LINKS)
        return {**names.readable, **{f"links.{link}": Attribute(type=LINK, required=True) for link in links}}

    def names(self, *groups: Mapping[str, Attribute]) -> Names:
        """These groups of names, with the reasons why others cannot be read."""
        readable = {name: attribute for group in groups for name, attribute in group.items()}
        absent = {"event": "event can only be read in the condition of an event", **self.absent}
        if not self.key:
            absent["key"] = "this journey has no key; write key: under identify:"
        if not self.segments:
            absent["segment"] = "this journey has no segments; write them under differentiate:"
        absent["links"] = "links can only be used in templates"
        if not self.entered_on:
            absent["entry"] = "this journey is entered by the clock, not by an event"
        elif not self.entry:
            absent["entry"] = "the entry events of this journey declare no properties"
        return Names(readable, absent, broken=self.broken, zone=self.vocabulary.zone)

    def of_events(self, root: str, events: Iterable[str]) -> dict[str, Attribute]:
        """The properties of any of these events. A property may be missing unless every event requires it."""
        return self.of_any(root, self.declared(events))

    def declared(self, events: Iterable[str]) -> list[Properties]:
        """The declared properties of each event that exists."""
        return [self.vocabulary.events[event] for event in events if event in self.vocabulary.events]

    def of_any(self, root: str, declared: Iterable[Properties]) -> dict[str, Attribute]:
        """The properties in any of ``declared``, as names that begin with ``root``. Those with several types are absent."""
        declared = list(declared)
        merged: dict[str, Attribute] = {}
        for properties in declared:
            for name, attribute in properties.items():
                full = f"{root}.{name}"
                other = merged.get(full)
                if other is not None and other.type != attribute.type:
                    kinds = f"{describe(other.type)} in one of its events and {describe(attribute.type)} in another"
                    self.absent[full] = f"{full} is {kinds}"
                    continue
                required = all(name in others and others[name].required for others in declared)
                default = attribute.default if all(name in others for others in declared) else None
                merged[full] = Attribute(type=attribute.type, required=required, default=default)
        return {name: attribute for name, attribute in merged.items() if name not in self.absent}

    def broken_properties(self, root: str, events: Iterable[str]) -> frozenset[str]:
        """The properties of these events with a wrong declaration, as names that begin with ``root``."""
        names = (name.rpartition(".") for name in self.reading.broken)
        return frozenset(f"{root}.{name}" for event, _, name in names if event in set(events))

    @staticmethod
    def _without(names: Names, absent: Mapping[str, str]) -> Names:
        return names._replace(absent={**names.absent, **absent})
