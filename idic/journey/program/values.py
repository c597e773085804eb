"""The parts that programs are made of: types, conditions, moments, events to match, targets."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from pydantic import JsonValue

from idic.frozen import Frozen
from idic.times import Duration, TimeOfDay


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
    """A name with its type, and how its value is computed, if it is.

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
        """The event that it counts or sums; None if it is sent to us."""
        return self.sums[0] if self.sums else self.counts


class Condition(Frozen):
    """A condition or an expression: ``text`` as the author wrote it, for traces; ``cel`` as it is evaluated; ``reads`` every
    name in it, such as ``customer.orders``, ``event.total``, ``segment``, with its type."""

    text: str
    cel: str
    reads: dict[str, Attribute] = {}

    @cached_property
    def document(self) -> str:
        """The whole condition as text, by which compiled conditions are cached."""
        return self.model_dump_json(exclude_defaults=True)


class Assignment(Frozen):
    """A name and its new value: an attribute such as ``customer.nps``, a variable such as ``discount``, or a value that is
    passed to a call or to another journey. ``type`` is the type of ``value``."""

    name: str
    type: Type
    value: Condition


class Moment(Frozen):
    """An instant that depends on the customer: ``offset`` before or after the value of ``name``. A date begins at midnight
    where the customer lives; ``at`` moves either to a time of that day."""

    name: str
    attribute: Attribute
    offset: Duration = Duration()
    before: bool = True
    at: TimeOfDay | None = None


class Target(Frozen):
    """Where a branch goes: to a step, or out of the journey for a reason."""

    step: str | None = None
    exit: str | None = None


DONE = Target(exit="done")


class Pattern(Frozen):
    """An event to match, by its name. ``when`` must hold; the property ``key`` must equal the enrollment's key; ``of`` is the
    step whose message the event must be about. All three may be None."""

    on: str
    when: Condition | None = None
    key: str | None = None
    of: str | None = None


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
