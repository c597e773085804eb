"""What one enrollment of the reference journey may cost: `make price`, held to its promise."""

from __future__ import annotations

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from bench.actions import billed
from bench.price import MOST_ACTIONS, MOST_EVENTS, WAYS, prices


async def test_an_enrollment_costs_no_more_than_promised_and_leaves_a_complete_trace() -> None:
    found = await prices()
    reference = found["reference"]
    assert reference.history_events <= MOST_EVENTS == 17
    assert reference.billed_actions <= MOST_ACTIONS == 4
    assert reference.transactions <= 4
    assert {name: cost.trace for name, cost in found.items()} == {way.name: list(way.trace) for way in WAYS}


def test_the_local_activities_of_one_workflow_task_are_billed_once_and_every_attempt_is() -> None:
    started = HistoryEvent(event_type=EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED)
    markers = [_marker(task=4), _marker(task=4), _marker(task=9)]
    third_attempt = HistoryEvent(event_type=EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED)
    third_attempt.activity_task_started_event_attributes.attempt = 3
    completed = HistoryEvent(event_type=EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED)
    assert billed([started, *markers, third_attempt, completed]) == 1 + 2 + 3


def test_what_the_rule_does_not_know_is_not_taken_for_free() -> None:
    with pytest.raises(ValueError, match="UPDATE_ACCEPTED is billed must be looked up"):
        billed([HistoryEvent(event_type=EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED)])


def _marker(task: int) -> HistoryEvent:
    marker = HistoryEvent(event_type=EventType.EVENT_TYPE_MARKER_RECORDED)
    marker.marker_recorded_event_attributes.workflow_task_completed_event_id = task
    return marker
