"""Invented crowds: the same for the same seed in any order, with consistent counts and nothing else kept."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from idic.errors import InvalidInput
from idic.journey.program.entry import Again, Day, Entry
from idic.journey.program.program import Program
from idic.journey.program.values import Attribute, Moment, Pattern, Type
from idic.journey.vocabulary.types import NUMBER
from idic.journeys_folder import Compilation, compile_folder
from idic.rehearse.crowd.behaviour import CrowdBehaviour, derive_behaviour
from idic.rehearse.crowd.crowd_person import CrowdPerson
from idic.rehearse.crowd.invented import InventedCrowd
from idic.rehearse.crowd.read_rates import rates_file, read_rates, with_rate
from idic.rehearse.crowd.rehearse import Rehearsal
from idic.rehearse.crowd.results import CrowdResults, results_json
from idic.times import Every, TimeOfDay
from tests.journey.programs import condition, program, wait

START = datetime(2026, 3, 2, tzinfo=UTC)


@cache
def shop() -> Compilation:
    return compile_folder(Path("journeys"))


def rates() -> CrowdBehaviour:
    return derive_behaviour(shop().programs.values(), shop().vocabulary)


def crowd(count: int, days: int = 20, seed: int = 1, behaviour: CrowdBehaviour | None = None) -> InventedCrowd:
    programs = list(shop().programs.values())
    end = START + timedelta(days=days)
    return InventedCrowd(programs, shop().vocabulary, behaviour or rates(), count=count, start=START, end=end, seed=seed)


def rehearsed(people: Iterable[CrowdPerson], *programs: Program, days: int = 20) -> dict[str, Any]:
    chosen = programs or tuple(shop().programs.values())
    ledger = CrowdResults(chosen, "Europe/Berlin")
    Rehearsal(chosen, ledger, start=START, end=START + timedelta(days=days), zone="Europe/Berlin").run(people)
    return results_json(ledger)


def test_the_same_seed_is_the_same_crowd_in_whatever_order() -> None:
    once = rehearsed(crowd(120))
    made = crowd(120)
    backwards = rehearsed(made.person(number) for number in range(120, 0, -1))
    assert once == backwards
    assert once != rehearsed(crowd(120, seed=2))


def test_the_crowd_lives_the_same_life_whatever_journeys_there_are() -> None:
    alone = InventedCrowd(
        [shop().programs["abandoned_cart"]],
        shop().vocabulary,
        rates(),
        count=5,
        start=START,
        end=START + timedelta(days=20),
        seed=1,
    )
    lives = [[(one.at, one.name) for one in person.life] for person in crowd(5)]
    assert lives == [[(one.at, one.name) for one in person.life] for person in alone]
    assert any(lives)


def test_the_figures_agree() -> None:
    result = rehearsed(crowd(150))
    in_all = 0
    for journey in result["journeys"]:
        ended = sum(one["count"] for one in journey["endings"])
        assert journey["entered"] == ended + journey["inside"] == sum(day["entered"] for day in journey["days"])
        by_step = sum(count for step in journey["steps"] for count in step["sent"].values())
        by_day = sum(count for day in journey["days"] for count in day["sent"].values())
        assert by_step == by_day == sum(journey["sent"].values())
        assert sum(step["waiting"] for step in journey["steps"]) == journey["inside"]
        if journey["goal"]:
            assert journey["goal"]["reached"] == sum(day["goals"] for day in journey["days"])
            assert journey["goal"]["reached"] == sum(journey["goal"]["hours"].values())
        in_all += by_step
    spread = result["messages_per_customer"]
    assert spread["total"] == in_all > 0
    assert sum(spread["distribution"].values()) == result["customers"] == 150


def test_no_message_brings_about_a_goal_unless_the_rates_say_so() -> None:
    def goals(behaviour: CrowdBehaviour) -> int:
        result = rehearsed(crowd(150, behaviour=behaviour), shop().programs["abandoned_cart"])
        return int(result["journeys"][0]["goal"]["reached"])

    never_sent = rates().model_copy(update={"reach": {}})
    all_converted = read_rates("rates.yaml", "reactions: {email: {converted: 100%}}", rates(), shop().vocabulary)
    assert goals(rates()) == pytest.approx(goals(never_sent), rel=0.1)
    assert goals(all_converted) > 1.5 * goals(rates())


def test_of_at_most_so_many_a_day_those_enter_who_come_first() -> None:
    entry = Entry(on=(Pattern(on="Cart Updated"),), again=Again(kind="always"), at_most=2)
    result = rehearsed(crowd(100, days=3), program(wait("pause", 1), entry=entry, zone="Europe/Berlin"), days=3)
    (journey,) = result["journeys"]
    assert [day["entered"] for day in journey["days"]][:3] == [2, 2, 2]
    assert journey["kept_out"]["full"] > 0


def test_memory_does_not_grow_with_the_days() -> None:
    rehearsed(crowd(20))  # what is made once is made

    def peak(days: int) -> int:
        tracemalloc.start()
        rehearsed(crowd(25, days=days), days=days)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(90) < 1.5 * peak(3)


def test_the_example_of_rates_says_what_is_assumed() -> None:
    assert read_rates("rates.yaml", rates_file(rates()), CrowdBehaviour(), shop().vocabulary) == rates()


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("events: {Card Updated: 1 a week}", 'rates.yaml: events: there is no "Card Updated": did you mean "Cart Updated"?'),
        ("events: {Cart Updated: 1}", 'rates.yaml: events: Cart Updated: "1" is not a rate; write "0.3 a week" or '),
        (
            "events: {Link Clicked: 1 a week}",
            "rates.yaml: events: Link Clicked follows from a message; say so under reactions:",
        ),
        ("events: {Cart Updated: 5% of Cart Updated within 1 day}", "rates.yaml: events: Cart Updated: follows itself"),
        ("reach: {email: 0.3}", 'rates.yaml: reach: email: "0.3" is not a share; write it as 35%'),
        ("reactions: {email: {opened: 200%}}", 'rates.yaml: reactions: email: opened: "200%" is more than 100%'),
        ("reactions: {mail: {opened: 20%}}", 'rates.yaml: reactions: there is no "mail": '),
        ("money: -1", "rates.yaml: money: "),
        ("lift: 3%", "rates.yaml: lift is not a kind of rate: "),
    ],
)
def test_rates_that_cannot_be_are_refused_with_their_place(said: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_rates("rates.yaml", said, rates(), shop().vocabulary)
    assert str(refused.value).startswith(problem)


def test_a_rate_can_be_said_on_the_command_line() -> None:
    said = with_rate(rates(), "Order Completed=0.3/week", shop().vocabulary)
    assert str(said.events["Order Completed"]) == "0.3 a week"
    with pytest.raises(InvalidInput, match="write an event, = and its rate"):
        with_rate(rates(), "Order Completed", shop().vocabulary)


def test_a_journey_is_entered_at_its_times_by_everybody_of_whom_its_condition_holds() -> None:
    many = condition("customer.visits >= 2.0", customer__visits=Attribute(type=NUMBER))
    daily = Entry(every=Every.parse("day at 06:00"), when=many, again=Again(kind="always"))
    once = Entry(once=START + timedelta(hours=6), again=Again(kind="never"))
    trips = (
        program(wait("pause", 1), entry=daily, journey="daily"),
        program(wait("pause", 1), entry=once, journey="once"),
    )
    people = [CrowdPerson("anna", {"visits": 3}), CrowdPerson("ben", {"visits": 1})]
    every_day, at_once = rehearsed(people, *trips, days=3)["journeys"]
    assert (every_day["entered"], every_day["customers"], every_day["kept_out"]) == (3, 1, {"condition": 3})
    assert (at_once["entered"], at_once["customers"]) == (2, 2)


def test_a_day_of_one_s_own_comes_for_whom_it_is_known() -> None:
    birthday = Moment(name="customer.birthday", attribute=Attribute(type=Type(kind="date")), at=TimeOfDay(hour=9))
    trip = program(wait("pause", 1), entry=Entry(day=Day(moment=birthday, yearly=True), again=Again(kind="always")))
    people = [
        CrowdPerson("anna", {"birthday": "1990-03-04"}),
        CrowdPerson("ben", {"birthday": "1990-07-04"}),
        CrowdPerson("cleo"),
    ]
    (journey,) = rehearsed(people, trip, days=5)["journeys"]
    assert [(day["day"], day["entered"]) for day in journey["days"]] == [("2026-03-04", 1)]
