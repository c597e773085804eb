"""Temporal Cloud's billed actions, counted from a workflow's history.

The rule is Temporal's own, https://docs.temporal.io/cloud/actions, for what may stand in a history of idic's:

    1  for a workflow started, by a client or by continue-as-new
    1  for each timer started, whether or not it fires
    1  for each signal
    1  for each attempt of an activity (the history holds the last one, with its number)
    1  for all the local activities of one workflow task together, since all the markers of a task count once

Workflow tasks, completions, failures, cancelled timers and time-outs are free. An event of any other kind is refused
rather than taken for free. A history does not show heartbeats; one that reaches the server is billed too. idic beats only
in a delivery that takes longer than 60 % of ``IDIC_DELIVERY_TIMEOUT``, and nothing here takes so long.
"""

from __future__ import annotations

from collections.abc import Iterable

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

_FREE = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
        EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT,
        EventType.EVENT_TYPE_TIMER_FIRED,
        EventType.EVENT_TYPE_TIMER_CANCELED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
    }
)
_ONE = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
        EventType.EVENT_TYPE_TIMER_STARTED,
    }
)


def billed(history: Iterable[HistoryEvent]) -> int:
    """Raises ``ValueError`` for an event that the rule above says nothing about."""
    actions, tasks_with_markers = 0, set[int]()
    for event in history:
        if event.event_type in _ONE:
            actions += 1
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            actions += event.activity_task_started_event_attributes.attempt
        elif event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED:
            tasks_with_markers.add(event.marker_recorded_event_attributes.workflow_task_completed_event_id)
        elif event.event_type not in _FREE:
            raise ValueError(f"whether {EventType.Name(event.event_type)} is billed must be looked up")
    return actions + len(tasks_with_markers)
