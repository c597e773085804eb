"""Decide which customer the ids of a message belong to. Pure: what is known is handed in.

A user id beats an anonymous id. Merging two customers who turn out to be one is not done here: the result says whom to
merge, and the router does it when it comes to the message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple


class Identity(NamedTuple):
    """A (kind, value) pair that belongs to a customer."""

    kind: str
    value: str


class UserIds(NamedTuple):
    """The ids in a message; at least one of the first two is there.

    ``previous_id`` is another id of the user, of either kind. Only an alias has it, and it has no anonymous id.
    """

    user_id: str | None = None
    anonymous_id: str | None = None
    previous_id: str | None = None

    @property
    def identities(self) -> tuple[Identity, ...]:
        """The user id and the anonymous id, as far as there are."""
        kinds = (("user_id", self.user_id), ("anonymous_id", self.anonymous_id))
        return tuple(Identity(kind, value) for kind, value in kinds if value is not None)


class CustomerMatch(NamedTuple):
    """The customer whom the ids of a message belong to.

    ``merges`` is another customer, until now anonymous, who turned out to be this one. ``apart``: the previous id belongs
    to a customer with a user id of their own, and stays theirs.
    """

    customer: str
    merges: str | None = None
    apart: bool = False


class Resolution(NamedTuple):
    """The customers of several messages, in their order (``belongings``), with new customers (``created``) and newly linked
    identities (``linked``)."""

    belongings: tuple[CustomerMatch, ...]
    created: tuple[str, ...]
    linked: dict[Identity, str]


def resolve(persons: Iterable[UserIds], known: dict[Identity, str], named: set[str], new_id: Callable[[], str]) -> Resolution:
    """Decide for each of ``persons`` in turn; later ones see what earlier ones changed.

    ``known`` maps identities to the customers they belong to now (merges followed); ``named`` are those of these customers
    who have a user id.
    """
    known, named = dict(known), set(named)
    merging: dict[str, str] = {}
    belongings, created, linked = [], [], {}

    def link(identity: Identity, customer: str) -> None:
        known[identity] = linked[identity] = customer
        if identity.kind == "user_id":
            named.add(customer)

    def create() -> str:
        created.append(new_id())
        return created[-1]

    for person in persons:
        user = Identity("user_id", person.user_id) if person.user_id is not None else None
        anonymous = Identity("anonymous_id", person.anonymous_id) if person.anonymous_id is not None else None
        previous_customer = None
        if person.previous_id is not None and person.previous_id != person.user_id:
            previous_customer = known.get(Identity("user_id", person.previous_id))
            if previous_customer is None:
                anonymous = Identity("anonymous_id", person.previous_id)
        anonymous_customer = known.get(anonymous) if anonymous is not None else None
        merges = None
        if user is None:
            customer = anonymous_customer or create()
        elif user in known:
            customer = known[user]
            if anonymous_customer is not None and anonymous_customer != customer and anonymous_customer not in named:
                merges = anonymous_customer
                named.add(anonymous_customer)  # taken: no other customer in this batch may merge it
                merging[anonymous_customer] = customer
        else:
            customer = anonymous_customer if anonymous_customer is not None and anonymous_customer not in named else create()
            link(user, customer)
        if anonymous is not None and anonymous_customer is None:
            link(anonymous, customer)
        apart = False
        if person.previous_id is not None:
            whose = previous_customer or anonymous_customer or customer
            apart = merging.get(whose, whose) != customer
        belongings.append(CustomerMatch(customer, merges, apart))
    return Resolution(tuple(belongings), tuple(created), linked)
