"""Who is it? The rules, one by one."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from idic.identify.resolution import Belonging, Identity, Person, Resolution, resolve


def user(value: str) -> Identity:
    return Identity("user_id", value)


def anonymous(value: str) -> Identity:
    return Identity("anonymous_id", value)


def decide(*persons: Person, known: dict[Identity, str] | None = None, named: set[str] | None = None) -> Resolution:
    numbers = itertools.count(1)
    return resolve(persons, known or {}, named or set(), lambda: f"new{next(numbers)}")


def test_nobody_knows_either_so_both_are_one_new_customer() -> None:
    decision = decide(Person("anna", "phone"))
    assert decision == Resolution((Belonging("new1"),), ("new1",), {user("anna"): "new1", anonymous("phone"): "new1"})


def test_the_new_user_id_goes_to_the_anonymous_customer() -> None:
    decision = decide(Person("anna", "phone"), known={anonymous("phone"): "c1"})
    assert decision == Resolution((Belonging("c1"),), (), {user("anna"): "c1"})


def test_a_device_of_somebody_else_stays_theirs() -> None:
    decision = decide(Person("bert", "phone"), known={anonymous("phone"): "c1"}, named={"c1"})
    assert decision == Resolution((Belonging("new1"),), ("new1",), {user("bert"): "new1"})


def test_an_unknown_device_is_linked_to_the_known_user() -> None:
    decision = decide(Person("anna", "tablet"), known={user("anna"): "c1"}, named={"c1"})
    assert decision == Resolution((Belonging("c1"),), (), {anonymous("tablet"): "c1"})


def test_an_anonymous_customer_who_turns_out_to_be_known_is_to_be_merged() -> None:
    known = {user("anna"): "c1", anonymous("tablet"): "c2"}
    assert decide(Person("anna", "tablet"), known=known, named={"c1"}) == Resolution((Belonging("c1", "c2"),), (), {})


def test_two_known_users_on_one_device_are_not_merged() -> None:
    known = {user("bert"): "c1", anonymous("phone"): "c2"}
    decision = decide(Person("bert", "phone"), known=known, named={"c1", "c2"})
    assert decision == Resolution((Belonging("c1"),), (), {})


def test_each_message_sees_what_the_ones_before_brought_about() -> None:
    decision = decide(Person(None, "phone"), Person("anna", "phone"), Person("anna"), Person("bert", "phone"))
    assert [belonging.customer for belonging in decision.belongings] == ["new1", "new1", "new1", "new2"]


def test_an_anonymous_customer_is_merged_into_one_only() -> None:
    known = {user("anna"): "c1", user("bert"): "c2", anonymous("phone"): "c3"}
    decision = decide(Person("anna", "phone"), Person("bert", "phone"), known=known, named={"c1", "c2"})
    assert decision.belongings == (Belonging("c1", "c3"), Belonging("c2"))


ids = st.sampled_from(["a", "b", "c", None])


@given(st.lists(st.builds(Person, ids, ids).filter(lambda person: any(person)), max_size=12))
def test_a_set_is_resolved_as_its_messages_would_be_one_by_one(persons: list[Person]) -> None:
    together = decide(*persons)
    known: dict[Identity, str] = {}
    named: set[str] = set()
    merged: set[str] = set()
    numbers = itertools.count(1)
    for person, at_once in zip(persons, together.belongings, strict=True):
        alone = resolve([person], known, named | merged, lambda: f"new{next(numbers)}")
        assert alone.belongings == (at_once,)
        known |= alone.linked
        named |= {customer for identity, customer in alone.linked.items() if identity.kind == "user_id"}
        merged |= {at_once.merges} - {None} if at_once.merges else set()
    assert together.linked == known
