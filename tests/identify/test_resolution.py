"""Who is it? The rules, one by one."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from idic.identify.resolution import CustomerMatch, Identity, Resolution, UserIds, resolve


def user(value: str) -> Identity:
    return Identity("user_id", value)


def anonymous(value: str) -> Identity:
    return Identity("anonymous_id", value)


def decide(*persons: UserIds, known: dict[Identity, str] | None = None, named: set[str] | None = None) -> Resolution:
    numbers = itertools.count(1)
    return resolve(persons, known or {}, named or set(), lambda: f"new{next(numbers)}")


def test_nobody_knows_either_so_both_are_one_new_customer() -> None:
    decision = decide(UserIds("anna", "phone"))
    assert decision == Resolution((CustomerMatch("new1"),), ("new1",), {user("anna"): "new1", anonymous("phone"): "new1"})


def test_the_new_user_id_goes_to_the_anonymous_customer() -> None:
    decision = decide(UserIds("anna", "phone"), known={anonymous("phone"): "c1"})
    assert decision == Resolution((CustomerMatch("c1"),), (), {user("anna"): "c1"})


def test_a_device_of_somebody_else_stays_theirs() -> None:
    decision = decide(UserIds("bert", "phone"), known={anonymous("phone"): "c1"}, named={"c1"})
    assert decision == Resolution((CustomerMatch("new1"),), ("new1",), {user("bert"): "new1"})


def test_an_unknown_device_is_linked_to_the_known_user() -> None:
    decision = decide(UserIds("anna", "tablet"), known={user("anna"): "c1"}, named={"c1"})
    assert decision == Resolution((CustomerMatch("c1"),), (), {anonymous("tablet"): "c1"})


def test_an_anonymous_customer_who_turns_out_to_be_known_is_to_be_merged() -> None:
    known = {user("anna"): "c1", anonymous("tablet"): "c2"}
    assert decide(UserIds("anna", "tablet"), known=known, named={"c1"}) == Resolution((CustomerMatch("c1", "c2"),), (), {})


def test_two_known_users_on_one_device_are_not_merged() -> None:
    known = {user("bert"): "c1", anonymous("phone"): "c2"}
    decision = decide(UserIds("bert", "phone"), known=known, named={"c1", "c2"})
    assert decision == Resolution((CustomerMatch("c1"),), (), {})


def test_each_message_sees_what_the_ones_before_brought_about() -> None:
    decision = decide(
        UserIds(None, "phone"),
        UserIds("anna", "phone"),
        UserIds("anna"),
        UserIds("bert", "phone"),
    )
    assert [belonging.customer for belonging in decision.belongings] == ["new1", "new1", "new1", "new2"]


def test_an_anonymous_customer_is_merged_into_one_only() -> None:
    known = {user("anna"): "c1", user("bert"): "c2", anonymous("phone"): "c3"}
    decision = decide(UserIds("anna", "phone"), UserIds("bert", "phone"), known=known, named={"c1", "c2"})
    assert decision.belongings == (CustomerMatch("c1", "c3"), CustomerMatch("c2"))


def alias(user_id: str, previous_id: str) -> UserIds:
    return UserIds(user_id, None, previous_id)


def test_an_alias_that_nobody_knows_is_one_more_name_of_the_user() -> None:
    assert decide(alias("anna", "old"), known={user("anna"): "c1"}, named={"c1"}) == Resolution(
        (CustomerMatch("c1"),), (), {anonymous("old"): "c1"}
    )
    both_new = Resolution((CustomerMatch("new1"),), ("new1",), {user("anna"): "new1", anonymous("old"): "new1"})
    assert decide(alias("anna", "old")) == both_new


def test_an_alias_of_somebody_anonymous_is_who_they_turned_out_to_be() -> None:
    known = {user("anna"): "c1", anonymous("tablet"): "c2"}
    assert decide(alias("anna", "tablet"), known=known, named={"c1"}).belongings == (CustomerMatch("c1", "c2"),)
    assert decide(alias("anna", "phone"), known={anonymous("phone"): "c3"}).linked == {user("anna"): "c3"}


def test_an_alias_of_what_is_theirs_already_changes_nothing() -> None:
    known = {user("anna"): "c1", user("old"): "c1", anonymous("tablet"): "c1"}
    decision = decide(*(alias("anna", own) for own in ("old", "tablet", "anna")), known=known, named={"c1"})
    assert decision == Resolution((CustomerMatch("c1"),) * 3, (), {})


def test_an_alias_never_takes_another_user() -> None:
    known = {user("anna"): "c1", user("bert"): "c2", anonymous("phone"): "c2"}
    decision = decide(alias("anna", "bert"), alias("anna", "phone"), known=known, named={"c1", "c2"})
    assert decision == Resolution((CustomerMatch("c1", apart=True),) * 2, (), {})
    stranger = decide(alias("cleo", "bert"), known=known, named={"c1", "c2"})
    assert stranger == Resolution((CustomerMatch("new1", apart=True),), ("new1",), {user("cleo"): "new1"})


def test_an_alias_that_says_what_is_happening_already_is_not_apart() -> None:
    known = {user("anna"): "c1", anonymous("tablet"): "c2"}
    decision = decide(UserIds("anna", "tablet"), alias("anna", "tablet"), known=known, named={"c1"})
    assert decision.belongings == (CustomerMatch("c1", "c2"), CustomerMatch("c1"))


def test_a_user_id_beats_an_anonymous_id_that_reads_the_same() -> None:
    known = {user("anna"): "c1", user("bert"): "c2", anonymous("bert"): "c3"}
    assert decide(alias("anna", "bert"), known=known, named={"c1", "c2"}).belongings == (CustomerMatch("c1", apart=True),)


ids = st.sampled_from(["a", "b", "c", None])
aliases = st.builds(alias, st.sampled_from("abc"), st.sampled_from("abc"))


@given(st.lists(st.builds(UserIds, ids, ids).filter(lambda person: any(person)) | aliases, max_size=12))
def test_a_set_is_resolved_as_its_messages_would_be_one_by_one(persons: list[UserIds]) -> None:
    together = decide(*persons)
    known: dict[Identity, str] = {}
    named: set[str] = set()
    merged: set[str] = set()
    numbers = itertools.count(1)
    for person, at_once in zip(persons, together.belongings, strict=True):
        alone = resolve([person], known, named | merged, lambda: f"new{next(numbers)}")
        # Alone, it does not know what became of whom the ones before it merged.
        assert alone.belongings[0][:2] == at_once[:2]
        known |= alone.linked
        named |= {customer for identity, customer in alone.linked.items() if identity.kind == "user_id"}
        merged |= {at_once.merges} - {None} if at_once.merges else set()
    assert together.linked == known
