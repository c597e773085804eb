"""What the engine does at a step, by the kind of step.

Each kind says in its file which of these methods it needs (``run`` and ``act`` in ``idic.journey.program.steps``).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from idic.journey.engine.match_event import attribute_named
from idic.journey.engine.move import Move, because
from idic.journey.engine.protocol import Ask, CallRequest, Enroll, Learn
from idic.journey.engine.send import send
from idic.journey.engine.state import Called
from idic.journey.engine.wait import follow_moment, wait_for, wait_for_silence
from idic.journey.expressions.evaluate import holds, value
from idic.journey.program.flow import steps_of_round
from idic.journey.program.shares import draw_share
from idic.journey.program.steps import Call, Choose, Enter, Repeat, Send, Split, Wait, WaitFor
from idic.journey.program.values import Assignment, Condition, Target
from idic.times import Duration


class StepRunner(Move):
    """A move that can do what steps ask for."""

    def holds(self, condition: Condition) -> bool:
        """Whether a condition holds now."""
        return holds(condition, self.scope())

    def just_arrived(self) -> bool:
        """Whether the step has not stopped the enrollment yet."""
        return self.state.deadline is None

    def has_lasted(self, span: Duration) -> bool:
        """Whether the enrollment has stood here so long. If not, it is woken when it has."""
        if self.state.deadline is None:
            deadline = span.after(self.state.reached, self.facts.zone)
            self.change(deadline=deadline)
            self.note("waiting", {"until": deadline})
        return self.now >= self.deadline()

    def go_on(self, target: Target) -> None:
        """Goes on at the instant at which this step was reached."""
        self.go(target, self.state.reached)

    def exit(self, reason: str) -> None:
        """Ends the enrollment at the instant at which this step was reached."""
        self.end(reason, self.state.reached)

    def decide_again(self) -> None:
        """Decides values and segment again."""
        self.differentiate()

    def wait(self, step: Wait) -> bool | Generator[Ask, Any, bool]:
        """Waits until the deadline, or for silence."""
        if follow_moment(self, step):
            return True
        return self.when_due(step.then, "waited") if step.without is None else wait_for_silence(self, step)

    def wait_for(self, step: WaitFor) -> Generator[Ask, Any, bool]:
        """Waits for events, and for what comes true."""
        return wait_for(self, step)

    def send(self, step: Send) -> Generator[Ask, Any, bool]:
        """Sends a message as far as the contact policy lets it."""
        return send(self, step)

    def choose(self, step: Choose) -> None:
        """Takes the first branch whose condition holds."""
        scope = self.scope()
        for branch in step.branches:
            if holds(branch.when, scope):
                self.note("chose", because=because(branch.when, scope))
                self.go_on(branch.then)
                return
        self.note("chose", {"because": "otherwise"})
        self.go_on(step.otherwise)

    def split(self, step: Split) -> None:
        """Takes the share that was drawn before, even if the shares have changed since, or else draws one."""
        before = self.state.splits.get(step.id)
        known = next((share for share in step.shares if share.name == before), None)
        share = known or draw_share(step, self.state.customer, self.program.journey)
        self.change(splits={**self.state.splits, step.id: share.name})
        self.note("split", {"share": share.name})
        self.go_on(share.then)

    def set_values(self, assigned: Sequence[Assignment]) -> None:
        """Sets attributes and variables; the driver learns the attributes."""
        for assignment in assigned:
            self.assign(assignment)
        learnt = {
            attribute: self.facts.customer[attribute]
            for assignment in assigned
            for attribute in attribute_named(assignment.name)
            if attribute in self.facts.customer
        }
        if learnt:
            self.effects.append(Learn(learnt))
        self.note_assigned("set", assigned)

    def call(self, step: Call) -> bool:
        """Calls the endpoint, or handles its answer. Says whether the enrollment moved on."""
        called = self.state.calls.get(step.id)
        if called is None:
            if self.passed_over(step.when, step.otherwise):
                return True
            # The time counts from the call, however late that is: it is the service's time.
            answer_by = step.within.after(max(self.state.reached, self.now), self.facts.zone)
            self.effects.append(CallRequest(step.id, self.round(step), self._values(step.given), answer_by))
            called = Called.made(status="asked", at=self.state.reached)
            self.change(calls={**self.state.calls, step.id: called}, deadline=answer_by)
            self.note("called", {"endpoint": step.endpoint.name})
        if called.status == "asked":
            if self.now <= self.deadline():
                return False
            called = Called.made(status="failed", at=self.deadline(), reason="no answer in time")
            self.change(calls={**self.state.calls, step.id: called})
        at = max(self.state.reached, called.at)
        if called.status == "answered":
            self.note("answered", {"endpoint": step.endpoint.name}, at=at)
            self.go(step.then, at)
        else:
            self.note("no answer", {"endpoint": step.endpoint.name, "because": called.reason}, at=at)
            self.go(step.otherwise, at)
        return True

    def repeat(self, step: Repeat) -> None:
        """Begins the next round, or goes on after the last."""
        done = self.state.loops.get(step.id, 0)
        if done == 0 and self.passed_over(step.when, step.otherwise):
            return
        scope = self.scope()
        reached = step.until is not None and holds(step.until, scope)
        if reached or done >= step.times:
            self.note("repeated", {"times": done}, because=because(step.until, scope) if reached else None)
            self.change(loops={name: count for name, count in self.state.loops.items() if name != step.id})
            self.go_on(step.then)
            return
        self.change(loops={**self.state.loops, step.id: done + 1})
        if done:
            self._begin_round(steps_of_round(self.program, step))
        self.note("round", {"number": done + 1, "times": step.times})
        self.go_on(step.first)

    def _begin_round(self, steps: frozenset[str]) -> None:
        """Forgets what these steps sent and called in the round before."""
        again = {name: self.state.rounds.get(name, 1) + 1 for name in sorted(steps & self.state.began.keys())}
        self.change(
            rounds={**self.state.rounds, **again},
            touches={name: touches for name, touches in self.state.touches.items() if name not in again},
            calls={name: called for name, called in self.state.calls.items() if name not in again},
            expired=tuple(name for name in self.state.expired if name not in again),
        )

    def enter(self, step: Enter) -> None:
        """Requests entry into another journey."""
        given = self.state.entry.properties if step.given is None else self._values(step.given)
        self.effects.append(Enroll(step.id, self.round(step), step.journey, given))
        self.note("asked for entry", {"journey": step.journey})
        self.go_on(step.then)

    def _values(self, assigned: Sequence[Assignment]) -> dict[str, Any]:
        """The values that are known, by name."""
        scope = self.scope()
        values = {assignment.name: value(assignment.value, assignment.type, scope) for assignment in assigned}
        return {name: known for name, known in values.items() if known is not None}
