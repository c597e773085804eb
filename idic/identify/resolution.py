"""Who is it? The rules by which identities become a customer, decided from what is known, without looking anything up.

A user id beats an anonymous id. What becomes of two customers who turn out to be one is not decided here: the message
only says whom to merge, and the router does it when the message's turn comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple


class Identity(NamedTuple):
    kind: str
    value: str


class UserIds(NamedTuple):
    """What a message says of whose it is; at least one of the first two is there. ``previous_id`` is another name of the
    user, of either kind, which only an alias says, and instead of an anonymous id."""

    user_id: str | None = None
    anonymous_id: str | None = None
    previous_id: str | None = None

    @property
    def identities(self) -> tuple[Identity, ...]:
        kinds = (("user_id", self.user_id), ("anonymous_id", self.anonymous_id))
        return tuple(Identity(kind, value) for kind, value in kinds if value is not None)


class CustomerMatch(NamedTuple):
    """``merges`` is another customer who was anonymous and turned out to be this one. ``apart``: the previous id is
    somebody's with a user id of their own, and stays theirs."""

    customer: str
    merges: str | None = None
    apart: bool = False


class Resolution(NamedTuple):
    """``belongings`` are in the order of the persons; ``created`` customers and ``linked`` identities are new."""

    belongings: tuple[CustomerMatch, ...]
    created: tuple[str, ...]
    linked: dict[Identity, str]


def resolve(persons: Iterable[UserIds], known: dict[Identity, str], named: set[str], new_id: Callable[[], str]) -> Resolution:
    """Decide one after the other, each seeing what the ones before it brought about.

    ``known`` says to which customer each identity belongs today (merges followed), ``named`` which of these customers
    have a user id.
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
        previous = None
        if person.previous_id is not None and person.previous_id != person.user_id:
            previous = known.get(Identity("user_id", person.previous_id))
            if previous is None:
                anonymous = Identity("anonymous_id", person.previous_id)
        behind = known.get(anonymous) if anonymous is not None else None
        merges = None
        if user is None:
            customer = behind or create()
        elif user in known:
            customer = known[user]
            if behind is not None and behind != customer and behind not in named:
                merges = behind
                named.add(behind)  # spoken for: nobody else in this set merges it too
                merging[behind] = customer
        else:
            customer = behind if behind is not None and behind not in named else create()
            link(user, customer)
        if anonymous is not None and behind is None:
            link(anonymous, customer)
        apart = False
        if person.previous_id is not None:
            whose = previous or behind or customer
            apart = merging.get(whose, whose) != customer
        belongings.append(CustomerMatch(customer, merges, apart))
    return Resolution(tuple(belongings), tuple(created), linked)
