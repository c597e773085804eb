"""What a journey compiles to: frozen, self-contained, content-addressed.

A program holds everything that an enrollment needs for the rest of its life: the steps with every branch resolved to the
step that follows, every condition with the types of the names it reads, and every word a customer will see. It never
looks back at the YAML, the vocabulary or the templates it came from.

Programs are stored as JSON. A field added later needs a default, so that yesterday's programs still read; an unknown field
is ignored, so that yesterday's code reads today's.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import Field as Model
from pydantic import JsonValue, SerializerFunctionWrapHandler, model_serializer

from idic.frozen import Frozen
from idic.journey.channels import CHANNELS, Content
from idic.journey.contact_policy.contact_policy import Stricter
from idic.times import Clock, Duration, Every, Hours

_CONTENT = {"messages", "links", "title"}

SEMANTICS = 1
"""What an enrollment's row is stamped with at entry. Code branches on it until no open row has the older number."""


class Type(Frozen):
    """A type of the vocabulary. ``of`` for lists; ``options`` for one_of; ``thing`` and ``fields`` for line items, of which
    those in ``required`` are never missing: a line item without them is refused."""

    kind: Literal["text", "number", "yes/no", "money", "date", "moment", "days", "zone", "link", "one_of", "list", "thing"]
    options: tuple[str, ...] = ()
    of: Type | None = None
    thing: str | None = None
    fields: dict[str, Type] = {}
    required: tuple[str, ...] = ()


class Attribute(Frozen):
    """A name with its type, and where its value comes from when it is not simply what we were told.

    ``counts`` is an event's name; ``sums`` is an event's name and a property; ``window`` bounds either to the recent past.
    """

    type: Type
    default: JsonValue = None
    required: bool = False
    counts: str | None = None
    sums: tuple[str, str] | None = None
    window: Duration | None = None

    @property
    def counted_event(self) -> str | None:
        """The event that it counts or sums; None for one that is told to us."""
        return self.sums[0] if self.sums else self.counts


class Condition(Frozen):
    """``text`` as the author wrote it, for traces; ``cel`` as it is evaluated; ``reads`` every name in it, such as
    ``customer.orders``, ``event.total``, ``segment``, with its type."""

    text: str
    cel: str
    reads: dict[str, Attribute] = {}

    @cached_property
    def document(self) -> str:
        """The whole condition as text, by which compiled conditions are cached."""
        return self.model_dump_json(exclude_defaults=True)


class Assignment(Frozen):
    """A name that is given a value: ``customer.nps``, a variable such as ``discount``, or what a call or another journey is
    handed. ``type`` is what ``value`` comes to."""

    name: str
    type: Type
    value: Condition


class Moment(Frozen):
    """``offset`` before or after the moment that ``name`` holds. A date begins at midnight where the customer lives; ``at``
    moves either to a time of that day."""

    name: str
    attribute: Attribute
    offset: Duration = Duration()
    before: bool = True
    at: Clock | None = None


class Target(Frozen):
    """Where a branch goes: to a step, or out of the journey for a reason."""

    step: str | None = None
    exit: str | None = None


DONE = Target(exit="done")


class Pattern(Frozen):
    """An event to match: its name, perhaps a condition, perhaps only for this enrollment's key (the property that must
    equal it), perhaps only when it is about the message sent by step ``of``."""

    on: str
    when: Condition | None = None
    key: str | None = None
    of: str | None = None


class Arm(Frozen):
    """One line of a wait_for: an event (``pattern``), or a condition on the customer (``until``) that comes true. ``since`` is
    ``wait``, ``entry``, ``sent`` (with ``of``) or a step's id, and is for events."""

    pattern: Pattern | None = None
    until: Condition | None = None
    since: str = "wait"
    capture: str | None = None
    then: Target = DONE


class Step(Frozen):
    """What every step has. ``when`` is asked on arrival (of a send: at the moment of sending); if it does not hold, the
    step is passed over and ``otherwise`` is taken."""

    kind: str
    id: str
    when: Condition | None = None
    then: Target = DONE
    otherwise: Target = DONE

    @cached_property
    def awaits(self) -> tuple[Pattern, ...]:
        """The events that this step waits for."""
        return ()

    @cached_property
    def listens(self) -> frozenset[str]:
        """Their names."""
        return frozenset(pattern.on for pattern in self.awaits)

    @model_serializer(mode="wrap")
    def _kept(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Defaults are left out of what is stored and digested, so that a field added later changes no program; but what
        # tells the kinds apart must stay.
        return {**serialize(self), "kind": self.kind}


class Wait(Step):
    """For ``duration``, or ``until`` a time of day or a moment; a moment that is past or missing is passed over
    (``otherwise``)."""

    kind: Literal["wait"] = "wait"
    duration: Duration = Duration()
    until: Clock | Moment | None = None
    without: Pattern | None = None
    capture: str | None = None

    @cached_property
    def awaits(self) -> tuple[Pattern, ...]:
        return () if self.without is None else (self.without,)


class WaitFor(Step):
    kind: Literal["wait_for"] = "wait_for"
    arms: tuple[Arm, ...]
    within: Duration

    @cached_property
    def awaits(self) -> tuple[Pattern, ...]:
        return tuple(arm.pattern for arm in self.arms if arm.pattern is not None)

    @cached_property
    def conditions(self) -> tuple[tuple[int, Condition], ...]:
        """What may come true, each with the number of its arm."""
        return tuple((number, arm.until) for number, arm in enumerate(self.arms) if arm.until is not None)

    @cached_property
    def about(self) -> tuple[str, ...]:
        """The steps whose messages every arm is about; none if one arm is about something else."""
        about = [pattern.of for pattern in self.awaits if pattern.of is not None]
        return tuple(dict.fromkeys(about)) if len(about) == len(self.arms) else ()


class Branch(Frozen):
    when: Condition
    then: Target


class Choose(Step):
    kind: Literal["choose"] = "choose"
    branches: tuple[Branch, ...]


class Share(Frozen):
    name: str
    percent: int
    then: Target


class Split(Step):
    kind: Literal["split"] = "split"
    shares: tuple[Share, ...]


class Send(Step):
    """``channels`` in the order of the file. ``each`` sends on all of them, ``first_of`` on the first that is reachable and
    allowed, ``best_of`` on the one that is best for this customer and, where that cannot be, on the next best. ``at`` are the
    hours of the customer's day in which it may leave; ``best time`` asks for the hour at which this customer answers."""

    kind: Literal["send"] = "send"
    message: str
    channels: tuple[str, ...]
    mode: Literal["each", "first_of", "best_of"] = "each"
    at: Hours | Literal["best time"] | None = None
    within: Duration


class Exit(Step):
    kind: Literal["exit"] = "exit"
    reason: str


class Set(Step):
    """In the order of the file; what comes to nothing, for want of a value, leaves its name as it is."""

    kind: Literal["set"] = "set"
    assign: tuple[Assignment, ...]


class Endpoint(Frozen):
    """A service that journeys may call. ``url`` and ``headers`` are Liquid sources over ``takes`` and ``secrets.NAME`` (read
    from the environment when it is called); ``seconds`` is how long one try may take."""

    name: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    url: str
    headers: dict[str, str] = {}
    takes: dict[str, Attribute] = {}
    gives: dict[str, Attribute] = {}
    seconds: float = 5
    tries: int = 3


class Call(Step):
    """``given`` is what is sent, ``capture`` the name of what comes back. No answer ``within`` this time, or one that is not
    what the endpoint ``gives``: ``otherwise``."""

    kind: Literal["call"] = "call"
    endpoint: Endpoint
    given: tuple[Assignment, ...] = ()
    capture: str | None = None
    within: Duration


class Repeat(Step):
    """``first`` is where a round begins; its steps lead back here. ``until`` is asked before every round, the first one
    too."""

    kind: Literal["repeat"] = "repeat"
    times: int
    until: Condition | None = None
    first: Target


class Enter(Step):
    """Ask for entry into another journey, as the API would; ``given`` are the properties of that request, by default those of
    this enrollment's own entry (None)."""

    kind: Literal["enter"] = "enter"
    journey: str
    given: tuple[Assignment, ...] | None = None


class Differentiate(Step):
    """Decide values and segment anew, on what is known now."""

    kind: Literal["differentiate"] = "differentiate"


AnyStep = Annotated[
    Wait | WaitFor | Choose | Split | Send | Exit | Set | Call | Repeat | Enter | Differentiate, Model(discriminator="kind")
]


class Again(Frozen):
    kind: Literal["never", "always", "after"] = "never"
    after: Duration | None = None


class Day(Frozen):
    """A day of each customer's own: ``moment`` (always with ``at``), every year again if ``yearly`` (29 February: on the 28th
    in other years)."""

    moment: Moment
    yearly: bool = False


class Entry(Frozen):
    """By events (``on``, for those about a thing ``for_each`` says whom they concern), at times for all customers (``every``
    or ``once``, in the program's zone) of whom ``when`` holds, or on a ``day`` of each customer's own.

    ``starts`` and ``ends`` bound when anybody enters, ``at_most`` how many a day of the program's zone, ``testers`` says that
    only test customers do.
    """

    on: tuple[Pattern, ...] = ()
    for_each: Condition | None = None
    every: Every | None = None
    once: datetime | None = None
    day: Day | None = None
    when: Condition | None = None
    key: str | None = None
    again: Again = Again()
    while_in: Literal["ignore", "restart"] = "ignore"
    starts: datetime | None = None
    ends: datetime | None = None
    at_most: int | None = None
    testers: bool = False

    @cached_property
    def on_events(self) -> tuple[tuple[str, tuple[Condition, ...]], ...]:
        """The ways in by events: of each its event, and what has to hold."""
        conditions = ((pattern.on, (pattern.when, self.for_each)) for pattern in self.on)
        return tuple((name, tuple(when for when in both if when is not None)) for name, both in conditions)


class Segment(Frozen):
    """``when`` is None for ``otherwise``."""

    name: str
    when: Condition | None = None


class Goal(Frozen):
    on: tuple[Pattern, ...]
    within: Duration | None = None
    value: Condition | None = None
    then: Literal["leave", "continue"] = "leave"


if TYPE_CHECKING:
    AnyContent = Content
else:
    AnyContent = Annotated[Union[tuple(channel.content for channel in CHANNELS.values())], Model(discriminator="channel")]  # noqa: UP007
"""The content of any channel: what is stored says which by ``channel``."""


class Message(Frozen):
    """``reads`` every name that any of its templates uses, with types; ``blocks`` the sources of what they render.

    ``contents`` by channel is what everybody reads for whom there is nothing of their own. ``variants`` are those of a
    segment, a language or both, by ``segment/language`` with either part empty: each has all its channels, not only what
    differs.
    """

    id: str
    contents: dict[str, AnyContent]
    variants: dict[str, dict[str, AnyContent]] = {}
    reads: dict[str, Attribute] = {}
    blocks: dict[str, str] = {}


class Program(Frozen):
    """``values`` are decided at entry, before the segment, and are read by their names. ``late`` says what becomes of
    messages that came due while the journey was paused. ``stricter`` is what it adds to the contact policy, ``sender`` the one
    of the policy's senders as whom it writes, if not the default one. ``customer`` is every customer attribute read anywhere
    in the program. ``zone`` (IANA) and ``language`` (BCP 47) serve customers of whom we know neither, and so does ``country``
    (ISO 3166-1 alpha-2) for telephone numbers without a country code; ``currency`` is ISO 4217. ``links`` are Liquid sources
    of URLs."""

    journey: str
    title: str
    purpose: Literal["marketing", "service"] = "marketing"
    topic: str | None = None
    entry: Entry
    values: tuple[Assignment, ...] = ()
    segments: tuple[Segment, ...] = ()
    late: Literal["send", "skip"] = "send"
    stricter: Stricter | None = None
    sender: str | None = None
    first: Target
    steps: dict[str, AnyStep]
    goal: Goal | None = None
    leave: tuple[Pattern, ...] = ()
    messages: dict[str, Message] = {}
    links: dict[str, str] = {}
    customer: dict[str, Attribute] = {}
    currency: str = "EUR"
    zone: str = "UTC"
    country: str | None = None
    language: str = "en"
    languages: tuple[str, ...] = ("en",)

    def document(self, **chosen: set[str]) -> dict[str, Any]:
        """The program as JSON, without what is as it is by default."""
        return self.model_dump(mode="json", exclude_defaults=True, **chosen)  # type: ignore[arg-type]

    @cached_property
    def begun_by(self) -> frozenset[str]:
        """The events on which it is entered."""
        return frozenset(pattern.on for pattern in self.entry.on)

    @cached_property
    def hears(self) -> frozenset[str]:
        """Every event that can mean anything to it: on which it is entered, that it waits for, that ends it, that it counts."""
        patterns = [*self.entry.on, *(self.goal.on if self.goal else ()), *self.leave]
        for step in self.steps.values():
            if isinstance(step, Wait) and step.without is not None:
                patterns.append(step.without)
            elif isinstance(step, WaitFor):
                patterns.extend(arm.pattern for arm in step.arms if arm.pattern is not None)
        return frozenset((*(pattern.on for pattern in patterns), *(event for _, _, event in self.computed)))

    @cached_property
    def computed(self) -> tuple[tuple[str, Attribute, str], ...]:
        """The customer's attributes that idic counts or sums by itself, each with the event that it counts."""
        return tuple(
            (name, attribute, event) for name, attribute in self.customer.items() if (event := attribute.counted_event)
        )

    @cached_property
    def windowed(self) -> bool:
        """Whether one of those changes by the passing of time alone."""
        return any(attribute.window is not None for _, attribute, _ in self.computed)

    @cached_property
    def id(self) -> str:
        """The address of this program: a digest of its flow and its content."""
        return _digest(self.document())

    @cached_property
    def flow(self) -> str:
        """The digest of everything but the words customers read: two programs with the same flow differ in content only."""
        return _digest(self.document(exclude=_CONTENT))

    @cached_property
    def content(self) -> str:
        return _digest(self.document(include=_CONTENT))


def _digest(document: Any) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
