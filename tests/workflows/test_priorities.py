"""Priorities on a real server: which message goes first when more wait than a provider account takes.

What counts is the order in which the provider is called, never the time that it takes.
"""

from __future__ import annotations

from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from bench.queues import measure
from idic.router.temporal import priority_of
from tests.journey.programs import program, send, wait
from tests.support.temporal_binaries import SERVER_FLAGS, TEMPORAL

BULK, SMALL = 2000, 20


async def test_a_receipt_overtakes_two_thousand_newsletters_and_a_small_journey_takes_turns_with_the_large_one(
    tmp_path: Path,
) -> None:
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=TEMPORAL, dev_server_log_level="never", dev_server_extra_args=SERVER_FLAGS
    ) as env:
        order = await measure(env.client, tmp_path, BULK, SMALL, lambda *_: None)
    assert order.queued >= BULK
    # Before it came what the account had taken already, and what was on its way from each of the queue's partitions; the
    # first of two thousand in any case.
    assert order.receipt < BULK / 40
    # In its own order it would have come behind two thousand. By turns one of the bulk goes for each of the small; but each
    # partition of the queue takes turns for itself, and how often each is asked is chance.
    assert SMALL < order.small[-1] < BULK / 4


def test_a_journey_stands_in_the_queue_by_its_purpose_and_under_its_name() -> None:
    news = priority_of(program(send("mail"), journey="news", purpose="marketing"))
    receipt = priority_of(program(send("mail"), journey="receipt"))
    assert receipt.priority_key < news.priority_key  # type: ignore[operator]
    assert (receipt.fairness_key, news.fairness_key) == ("receipt", "news")


def test_a_name_longer_than_temporal_takes_still_stands_apart() -> None:
    one, another = (priority_of(program(wait("rest", 1), journey="j" * 64 + end)).fairness_key for end in "ab")
    assert one != another
    assert max(len(str(key).encode()) for key in (one, another)) <= 64
