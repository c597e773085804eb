"""Which names can be read where in a journey, with their types, and why the others cannot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from idic.journey.inference import Names
from idic.journey.paths import Reach
from idic.journey.program import Attribute, Type
from idic.journey.types import LINK, TEXT, describe
from idic.journey.vocabulary import Reading

Properties = Mapping[str, Attribute]


class NamesOfJourney:
    """``entered_on`` and ``captures`` (by as-name) are events' names; ``splits`` the shares of each; ``segments`` has
    those of the journey, and ``segmented`` whether everybody is in one."""

    def __init__(
        self,
        reading: Reading,
        *,
        purpose: str,
        topic: str | None,
        key: bool,
        entered_on: Iterable[str],
        captures: Mapping[str, Iterable[str]],
        splits: Mapping[str, tuple[str, ...]],
        segments: tuple[str, ...],
        segmented: bool,
    ) -> None:
        self.reading = reading
        self.entered_on = tuple(entered_on)
        self.vocabulary = reading.vocabulary
        self.captures = {name: tuple(dict.fromkeys(events)) for name, events in captures.items()}
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
                self.absent[f"customer.{name}"] = (
                    f"customer.{name} may be read for {', '.join(allowed)} only{sensitive}, and this journey has {said}"
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
        others = {name for on in self.entered_on for name in self.vocabulary.events.get(on, {})}
        absent = {
            **names.absent,
            **{f"event.{name}": f'event "{event}" has no property {name}; give each event its own if' for name in others},
            "entry": "entry cannot be read before the journey is entered; here it is event",
            "segment": "segment is decided at entry, and cannot be read before",
            "key": "key is decided at entry, and cannot be read before",
        }
        return names._replace(absent=absent, broken=self.broken | self.broken_properties("event", [event]))

    def in_segments(self) -> Names:
        return self._without(
            self.names(self.customer, self.entry, self.key), {"segment": "segment is what is being decided here"}
        )

    def at(self, reach: Reach, where: str) -> Names:
        """At a step: ``where`` says which, for messages."""
        names = self.names(self.customer, self.entry, self.key, self.segment)
        absent, readable = dict(names.absent), dict(names.readable)
        captured: dict[str, frozenset[str]] = {}
        broken = set(names.broken)
        for name, events in self.captures.items():
            if name not in reach.possible:
                absent[name] = f"{name} is not captured on any way to {where}"
                continue
            values = self.of_events(name, events)
            certain = name in reach.certain
            captured[name] = frozenset(full for full, attribute in values.items() if attribute.required)
            readable |= {
                full: attribute if certain else attribute.model_copy(update={"required": False})
                for full, attribute in values.items()
            }
            broken |= self.broken_properties(name, events)
        for name, shares in self.splits.items():
            if name not in reach.possible:
                absent[name] = f"the split {name} is on no way to {where}"
            else:
                type_ = Type(kind="one_of", options=shares)
                readable[name] = Attribute(type=type_, required=name in reach.certain)
        return names._replace(readable=readable, absent=absent, captures=captured, broken=frozenset(broken))

    def with_event(self, names: Names, event: str) -> Names:
        """The same where ``event`` is being tested."""
        more = self.of_events("event", [event])
        broken = names.broken | self.broken_properties("event", [event])
        absent = {**names.absent, "event": f'event "{event}" declares no properties'}
        return names._replace(absent=absent, broken=broken).plus(more)

    def for_content(self, names: Names) -> Mapping[str, Attribute]:
        """What templates may use: the same names, and the links."""
        links = (*self.vocabulary.links, "unsubscribe")
        return {**names.readable, **{f"links.{link}": Attribute(type=LINK, required=True) for link in links}}

    def names(self, *groups: Mapping[str, Attribute]) -> Names:
        readable = {name: attribute for group in groups for name, attribute in group.items()}
        absent = {"event": "event can be read where an event is tested only", **self.absent}
        if not self.key:
            absent["key"] = "this journey has no key; identify: key: would give it one"
        if not self.segments:
            absent["segment"] = "this journey has no segments; differentiate: would give it some"
        absent["links"] = "links are for templates"
        if not self.entry:
            absent["entry"] = "the events this journey is entered on declare no properties"
        return Names(readable, absent, broken=self.broken, zone=self.vocabulary.zone)

    def of_events(self, root: str, events: Iterable[str]) -> dict[str, Attribute]:
        """The properties of any of these events; a property that not every one of them must have may be missing."""
        declared = [self.vocabulary.events[event] for event in events if event in self.vocabulary.events]
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
