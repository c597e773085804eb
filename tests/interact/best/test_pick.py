"""What is chosen for people comes to be what suits them: of what is known only here, they find out by their answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idic.interact.best.pick import best_channel, best_hour
from idic.interact.best.response_model import Cell, History, MessageResponse, ResponseGroup, ResponseGroups, Tally, likeness
from idic.journey.engine.protocol import Best, BestTime
from tests.interact.best.population import CHANNELS, EXPLORED, Round, as_last_time, by_chance, learned, live

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
NEVER = 0.999
"""A draw that explores nothing."""


def ask(draw: float = NEVER, channels: tuple[str, ...] = CHANNELS) -> Best:
    return Best("nudge", channels, NOW, draw)


def hours(draw: float = NEVER, within: int = 23) -> BestTime:
    return BestTime("nudge", NOW, NOW + timedelta(hours=within), draw)


def got(channel: str, answered: bool, *, days: float = 5, hour: int = 9) -> MessageResponse:
    at = NOW.replace(hour=hour) - timedelta(days=days)
    return MessageResponse(channel, at, at + timedelta(minutes=10) if answered else None)


def crowd(**shares: float) -> ResponseGroups:
    """A thousand messages to everybody on each channel."""
    cells = {(channel, 9): Cell(Tally(1000, 1000 * share)) for channel, share in shares.items()}
    return ResponseGroups(ResponseGroup("all customers", cells))


def test_choices_learn_from_responses_and_keep_exploring() -> None:
    def late(rounds: Sequence[Round]) -> float:
        return sum(one.answered for one in rounds[-10:]) / 10

    rounds = live(learned, 50, 50)
    assert late(rounds) > 0.15  # 0.3 is the most there is, for who knows everybody
    assert late(rounds) > 1.4 * max(late(live(as_last_time, 50, 50)), late(live(by_chance, 50, 50)))
    assert sum(one.regret for one in rounds[-10:]) < 0.7 * sum(one.regret for one in rounds[:10])
    assert sum(one.explored for one in rounds) / 50 == pytest.approx(EXPLORED, abs=0.015)


def test_newcomers_get_the_best_channel_of_similar_customers() -> None:
    everybody = crowd(email=0.04, web=0.02, sms=0.08)
    newcomer = best_channel(ask(), [], everybody)
    assert newcomer.channels == ("sms", "email", "web")
    assert newcomer.because == "0.079; email 0.040; web 0.021; as 1,000 messages to all customers"
    germans = ResponseGroup("customers in DE", {("email", 9): Cell(Tally(300, 60)), ("sms", 9): Cell(Tally(300, 6))})
    german = best_channel(ask(), [], everybody._replace(alike=germans))
    assert german.channels[0] == "email"
    assert german.because.endswith("as 300 messages to customers in DE")


def test_several_own_responses_outweigh_the_group_and_one_does_not() -> None:
    everybody = crowd(email=0.08, sms=0.05)
    assert best_channel(ask(), [got("email", False)], everybody).channels[0] == "email"
    some = [got("sms", True, days=days) for days in range(3, 33)]
    ranked = best_channel(ask(), some, everybody)
    assert ranked.channels[0] == "sms"
    assert "customers" not in ranked.because  # that many speak for themselves


def test_very_new_and_very_old_messages_count_little() -> None:
    just_sent = [got("email", False, days=1)] * 30
    assert best_channel(ask(), just_sent, crowd(email=0.06, sms=0.05)).channels[0] == "email"
    long_ago = [got("sms", True, days=400)] * 30
    assert best_channel(ask(), long_ago, crowd(email=0.06, sms=0.05)).channels[0] == "email"


def test_without_any_answer_the_listed_order_and_now_are_chosen() -> None:
    silent = [got("email", False)] * 9
    assert best_channel(ask(0.0), silent, ResponseGroups()).channels == CHANNELS
    assert best_hour(hours(0.0), silent, ResponseGroups(), "UTC").at == NOW


def test_an_unreachable_channel_is_last_and_never_explored() -> None:
    away = {"web": "the customer was not seen on the web for 40 days"}
    for draw in (0.0, 0.01, 0.02, 0.03, 0.049, NEVER):
        ranked = best_channel(ask(draw), [], crowd(email=0.03, web=0.5, sms=0.05), unreachable=away)
        assert ranked.channels[-1] == "web"
        assert ranked.odds["web"] == 0
        assert "web: not seen on the web for 40 days" in ranked.because


def test_an_explored_choice_says_so_with_its_odds() -> None:
    ranked = best_channel(ask(0.01), [], crowd(email=0.03, sms=0.05), explored=0.05)
    assert ranked.explored
    assert ranked.because.startswith("explored; ")
    assert ranked.odds == {
        "email": pytest.approx(0.05 / 3),
        "web": pytest.approx(0.05 / 3),
        "sms": pytest.approx(0.95 + 0.05 / 3),
    }


def test_the_hour_at_which_somebody_looks_is_found_before_anything_was_sent_in_it() -> None:
    # Mail comes at nine; it is answered at seven in the evening, if at all.
    mail = [
        MessageResponse(
            "email", NOW - timedelta(days=day), NOW - timedelta(days=day) + timedelta(hours=9.5) if day % 3 else None
        )
        for day in range(3, 30)
    ]
    timed = best_hour(hours(), mail, ResponseGroups(), "UTC")
    assert timed.at == NOW.replace(hour=19, minute=0)
    assert timed.because.startswith("19:00 to 20:00 0.")
    assert best_hour(hours(within=3), mail, ResponseGroups(), "UTC").at < NOW + timedelta(hours=3)


def test_no_hour_is_chosen_or_tried_in_which_nothing_may_leave() -> None:
    mail = [
        MessageResponse("email", NOW - timedelta(days=day), NOW - timedelta(days=day) + timedelta(hours=11.5))
        for day in range(3, 30)
    ]
    assert best_hour(hours(), mail, ResponseGroups(), "UTC").at == NOW.replace(hour=21, minute=0)

    def night(at: datetime) -> bool:
        return at.hour >= 20 or at.hour < 9

    for draw in [NEVER, *(number / 1000 for number in range(0, 50, 2))]:
        assert not night(best_hour(hours(draw), mail, ResponseGroups(), "UTC", closed=night).at)
    # Where there is no other hour it is one of them: the policy puts it off, and says so.
    assert best_hour(hours(), mail, ResponseGroups(), "UTC", closed=lambda at: True).at == NOW.replace(hour=21, minute=0)


def test_who_is_like_whom_is_plain() -> None:
    assert likeness({"country": "de", "language": "en"}) == "in DE"
    assert likeness({"language": "de-AT"}) == "who read de"
    assert likeness({"country": "Atlantis"}) == likeness({}) == ""
    # Anybody may tell a public key anything: that must not make a group of its own each time.
    assert likeness({"language": "xk3j2h1"}) == likeness({"country": "?1", "locale": "<b>"}) == ""


def test_the_first_answer_to_a_message_counts() -> None:
    history = History()
    history.sent("a", "sms", NOW)
    for minutes in (5, 9):
        history.answered("a", "sms", NOW + timedelta(minutes=minutes))
    history.answered("unheard of", "email", NOW)
    assert history.messages == [MessageResponse("sms", NOW, NOW + timedelta(minutes=5)), MessageResponse("email", NOW, NOW)]


channels = st.lists(st.sampled_from(CHANNELS), min_size=1, unique=True).map(tuple)
messages = st.lists(
    st.builds(got, st.sampled_from(CHANNELS), st.booleans(), days=st.floats(0, 500), hour=st.integers(0, 23)), max_size=30
)
tallies = st.tuples(st.floats(0, 1e5), st.floats(0, 1)).map(lambda two: Tally(two[0], two[0] * two[1]))
groups = st.dictionaries(
    st.tuples(st.sampled_from(CHANNELS), st.integers(0, 23)), st.builds(Cell, tallies, tallies), max_size=12
).map(lambda cells: ResponseGroup("people", cells))
crowds = st.builds(ResponseGroups, groups, st.none() | groups)
draws = st.floats(0, 1, exclude_max=True)


@settings(max_examples=150, deadline=None)
@given(channels, messages, crowds, draws, st.sets(st.sampled_from(CHANNELS)), st.floats(0.001, 1))
def test_whatever_is_known_one_that_is_offered_is_chosen_and_the_odds_are_odds(
    offered: tuple[str, ...], known: list[MessageResponse], of: ResponseGroups, draw: float, away: set[str], explored: float
) -> None:
    ranked = best_channel(ask(draw, offered), known, of, unreachable=dict.fromkeys(away, "gone"), explored=explored)
    assert sorted(ranked.channels) == sorted(offered)
    assert sum(ranked.odds.values()) == pytest.approx(1)
    assert all(0 <= one <= 1 for one in ranked.odds.values())
    assert ranked.odds[ranked.channels[0]] > 0
    assert ranked.channels[0] not in away or away.issuperset(offered)
    timed = best_hour(hours(draw), known, of, "Europe/Berlin", explored=explored)
    assert NOW <= timed.at <= NOW + timedelta(hours=23)
    assert 0 < (timed.odds or 0) <= 1


@settings(max_examples=150, deadline=None)
@given(messages, crowds, st.sampled_from(CHANNELS))
def test_one_more_answer_never_makes_a_channel_worse_nor_one_more_silence_better(
    known: list[MessageResponse], of: ResponseGroups, channel: str
) -> None:
    def place(more: list[MessageResponse]) -> int:
        ranked = best_channel(ask(), [got("email", True), *known, *more], of)
        return ranked.channels.index(channel)

    assert place([got(channel, True)]) <= place([]) <= place([got(channel, False)])
