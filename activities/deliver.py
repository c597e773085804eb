"""Deliver one touch: mark it ``attempting`` and call the provider, once; record what became of it and go on from there.

Only who moves a touch from ``claimed`` to ``attempting`` calls the provider. Whoever finds it ``attempting`` finds the
work of somebody who died in between, or who is only slow: nobody can know whether the message left, so it is
``uncertain`` and is not sent again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.coded_errors import coded
from activities.heartbeat import alive, offered
from idic.differentiate.profile import language_of
from idic.errors import IdicError
from idic.interact.channels.channel_edge import Courier, MessageCopy, Parcel
from idic.interact.channels.contract import Accepted, Later, Outcome, OutgoingSms, Placed, Refused, Unsure
from idic.interact.channels.outcomes import DEAD
from idic.journey.channels import CHANNELS, is_placed
from idic.journey.engine.protocol import Allow, Defer, MayWe, Skip
from idic.journey.engine.scope import Scope
from idic.journey.engine.state import State, Touched, Trace
from idic.journey.expressions.evaluate import explain, holds
from idic.journey.program.steps import Send
from idic.logs import place
from idic.providers.registry import PROVIDERS
from idic.router.held_customer import HeldCustomer
from idic.router.hold import hold_customer
from idic.router.instruction import Instruction
from idic.router.runtime import Runtime
from idic.store.customer import consents
from idic.store.customer.ingest import about_touch
from idic.store.database import Store
from idic.store.enrollment import enrollments, message_copies, touches, web_placements
from idic.store.enrollment.enrollments import Enrollment
from idic.store.enrollment.touches import Touch
from idic.times import Hours

log = structlog.get_logger()

BEGIN_WITHIN = 2.0
"""Real seconds after a touch was marked ``attempting`` in which the call of its provider begins, or does not."""

_DOWN = 30.0
"""Real seconds for which an account that took nothing is not tried where another can stand in for it."""

_RETRY = (5.0, 900.0)
"""Real seconds before the second try, doubled for each after it, and at the most."""

COPIED = {name for name, provider in PROVIDERS.items() if provider.keeps_copies}
"""The accounts of whose messages copies are always kept."""
IN_STORE = {name for name, provider in PROVIDERS.items() if provider.in_store}
"""The accounts whose messages leave in the very transaction that records them: of these alone it is certain that one whose
worker died did not leave."""


class Attempt(NamedTuple):
    """The provider may be called, once, through ``account``. ``number`` tells this attempt from a later one; ``since`` is
    when, by this machine's steady clock, it was not marked yet; ``goal_at`` when the goal had been reached by then."""

    number: int
    customer_id: str
    account: str
    since: float
    parcel: Parcel
    goal_at: datetime | None = None

    def still_to_be_shown(self, state: State) -> bool:
        """Whether content for the web may still be placed: not for somebody who reached the goal or left in between."""
        return state.goal_at == self.goal_at and (state.ended is None or state.ended.kind == "exit")


class Made(NamedTuple):
    """What there is to record of a message beside what became of it. ``copy`` is None where none is kept."""

    copy: MessageCopy | None = None
    segments: int | None = None
    sender: str | None = None


class Deliver:
    """``couriers`` by account. ``keep_trying`` bounds, in real seconds, for how long a result that only this process
    knows is offered to a store that does not answer; ``begin_within``, how long after a touch was marked its provider may
    still be called: who withdraws consent waits for as long (``idic.api.wait_until_settled``)."""

    def __init__(
        self,
        store: Store,
        runtime: Runtime,
        couriers: Mapping[str, Courier],
        *,
        keep_trying: float = 480,
        begin_within: float = BEGIN_WITHIN,
    ) -> None:
        self.store = store
        self.runtime = runtime
        self.couriers = couriers
        self.keep_trying = keep_trying
        self.begin_within = begin_within
        self._down: dict[str, float] = {}

    @activity.defn(name="deliver")
    @coded
    async def deliver(self, touch_id: str) -> Instruction:
        """Safe to repeat: a touch that is settled is left alone."""
        async with alive(self.runtime.patience):
            attempt = await self._attempt(touch_id)
            if isinstance(attempt, Instruction):
                return attempt
            outcome, made = await self._call(attempt)
            return await self._record(touch_id, attempt, outcome, made)

    async def _attempt(self, touch_id: str) -> Attempt | Instruction:
        async def work(held: HeldCustomer) -> Attempt | Instruction:
            # From when the touch will be said to be under way, and not from when all that had to be routed before it was.
            since = time.monotonic() - held.tx.clock.real_seconds(held.tx.now() - held.now)
            touch = await touches.get(held.tx, touch_id)
            enrollment = await enrollments.get(held.tx, touch.enrollment_id)
            if touch.status == "attempting" and touch.account not in IN_STORE:
                touched = Touched(status="uncertain", at=held.now, reason="interrupted")
                return await _settle(held, enrollment, touch, touched)
            if touch.status not in ("claimed", "attempting"):
                return await _reconciled(held, enrollment, touch)
            account, accounts = self._account(touch), self.runtime.accounts[touch.channel]
            if account != touch.account and touch.account in accounts:
                return await _other_account(held, enrollment, touch, account)
            program = await self.runtime.programs.get(held.tx, enrollment.program_id)
            step = program.steps[touch.step]
            assert isinstance(step, Send)
            scope = Scope(program, await held.customer.facts(program), held.now, enrollment.state)
            verdict: Allow | Defer | Skip
            if held.now > touch.deliver_by:
                verdict = Skip("too late", f"within {step.within}")
            elif step.when is not None and not holds(step.when, scope):
                verdict = Skip("condition", explain(step.when, scope))
            elif (hour := _hour(step, held.now, scope.zone)) > held.now:
                verdict = Defer(hour, "hours", f"at {step.at}")
            else:
                state = enrollment.state
                ask = MayWe(step.id, touch.channel, touch.message, touch.deliver_by, enrollment.id, state.entry)
                verdict = await held.customer.may_we(program, ask, open_=enrollment.open, again=touch)
            match verdict:
                case Skip(rule=rule, reason=reason):
                    return await _settle(
                        held, enrollment, touch, Touched(status="failed", at=held.now, reason=rule), detail=reason
                    )
                case Defer():
                    return await _defer(held, enrollment, touch, verdict)
                case Allow():
                    pass
            number = touch.attempts + 1
            called: dict[str, Any] = {"account": account, "attempts": number, "attempted_at": held.now}
            address = held.customer.reach(touch.channel, program).address
            assert address is not None
            if not is_placed(touch.channel):
                called["recipient"] = await consents.address_digest(held.tx, touch.channel, address)
            await touches.mark(held.tx, touch_id, status="attempting", **called)
            # A number is one provider's: what stands in for it sends as its own.
            own_sender = account == accounts[0] or not CHANNELS[touch.channel].sender_of_provider
            parcel = Parcel(
                touch=touch_id,
                channel=touch.channel,
                message=touch.message,
                address=address,
                program=program,
                scope=scope,
                language=language_of(held.customer.traits, program.languages),
                sender=held.customer.policy.sender(program.sender) if own_sender else None,
            )
            return Attempt(number, held.id, account, since, parcel, enrollment.state.goal_at)

        return await hold_customer(self.store, self.runtime, "attempt", touches.whose(touch_id), work)

    def _account(self, touch: Touch) -> str:
        """Through which account a touch leaves now: its own, if that is still one of its channel's, but the first that is not
        known to be down."""
        accounts = self.runtime.accounts[touch.channel]
        own = touch.account if touch.account in accounts else accounts[0]
        up = [one for one in (own, *accounts) if self._down.get(one, 0) <= time.monotonic()]
        return up[0] if up else own

    async def _call(self, attempt: Attempt) -> tuple[Outcome, Made]:
        parcel = attempt.parcel
        try:
            courier = self.couriers[attempt.account]
            message = courier.compose(parcel)
            kept = self.runtime.keep_copies or courier.account in COPIED
            segments, sender = (message.segments, message.sender) if isinstance(message, OutgoingSms) else (None, None)
            made = Made(courier.copy(message) if kept else None, segments, sender)
        except IdicError as error:
            return Refused(error.code, str(error)), Made()
        except Exception as error:
            # Nobody was called yet, so this much is certain; the text may hold what it was composing.
            log.error("message not composed", touch=parcel.touch, error=type(error).__name__, at=place(error))
            return Refused("compose_failed", type(error).__name__), Made()
        if hindered := await courier.ready(message):
            return hindered, made
        if time.monotonic() - attempt.since > self.begin_within:
            return Later("began_too_late", "it took too long from asking whether it may be sent to sending it", 0), made
        return await courier.send(message), made

    async def _record(self, touch_id: str, attempt: Attempt, outcome: Outcome, made: Made) -> Instruction:
        async def work(held: HeldCustomer) -> Instruction | Later:
            touch = await touches.get(held.tx, touch_id)
            enrollment = await enrollments.get(held.tx, touch.enrollment_id)
            if touch.attempts != attempt.number:
                return await held.instruction(enrollment)
            kept = None if held.customer.erased else made.copy
            if kept is not None and isinstance(outcome, (Accepted, Placed, Unsure)):
                await message_copies.keep(held.tx, touch_id, kept, held.now)
            left = {} if held.customer.erased else _of_what_left(made, outcome)
            if touch.status not in ("attempting", "uncertain"):
                # Evidence of it was here before us.
                if left:
                    await touches.mark(held.tx, touch_id, **left)
                return await held.instruction(enrollment)
            match outcome:
                case Placed() if not attempt.still_to_be_shown(enrollment.state):
                    return await _settle(held, enrollment, touch, Touched(status="failed", at=held.now, reason="ended"))
                case Placed() if await held.customer.has_withdrawn(touch):
                    return await _settle(held, enrollment, touch, Touched(status="failed", at=held.now, reason="consent"))
                case Placed(slot, html, links, show_for, ends_on_click):
                    until = show_for.after(held.now, attempt.parcel.scope.zone)
                    shown: dict[str, Any] = {"slot": slot, "html": html, "links": links, "ends_on_click": ends_on_click}
                    await web_placements.place(held.tx, touch, **shown, at=held.now, until=until)
                    return await _settle(held, enrollment, touch, Touched(status="sent", at=held.now))
                case Accepted():
                    return await _settle(held, enrollment, touch, Touched(status="sent", at=held.now), **left)
                case Refused(code, detail):
                    if code in DEAD:
                        await consents.suppress(held.tx, touch.channel, attempt.parcel.address, code, held.now)
                    touched = Touched(status="failed", at=held.now, reason=code)
                    return await _settle(held, enrollment, touch, touched, detail=detail)
                case Unsure(code, detail):
                    touched = Touched(status="uncertain", at=held.now, reason=code)
                    return await _settle(held, enrollment, touch, touched, detail=detail, **left)
                case Later():
                    return await self._later(held, enrollment, touch, outcome)

        # What the provider said is known here alone.
        answer = await offered(
            lambda: hold_customer(self.store, self.runtime, "record", attempt.customer_id, work), self.keep_trying
        )
        if isinstance(answer, Later):
            # The pause is the provider's time, which is real whatever idic's clock does.
            raise ApplicationError(answer.code, type=answer.code, next_retry_delay=timedelta(seconds=answer.after or _RETRY[0]))
        return answer

    async def _later(self, held: HeldCustomer, enrollment: Enrollment, touch: Touch, outcome: Later) -> Instruction | Later:
        """Certainly not sent: the touch is claimed again, for another try, unless that would come too late; through another
        account at once, if this one is down and there is another."""
        code, detail, after, down = outcome
        if down:
            self._down[touch.account] = time.monotonic() + _DOWN
            account = self._account(touch)
            if enrollment.open and account != touch.account and touch.status == "attempting":
                return await _other_account(held, enrollment, touch, account)
        first, longest = _RETRY
        pause = min(max(after or 0, first * 2 ** min(touch.attempts - 1, 10)), longest)
        retry_at = held.now + timedelta(seconds=pause) * held.tx.clock.factor
        if not enrollment.open or retry_at > touch.deliver_by or touch.status != "attempting":
            return await _settle(held, enrollment, touch, Touched(status="failed", at=held.now, reason=code), detail=detail)
        await touches.mark(held.tx, touch.id, status="claimed", reason=code, detail=detail)
        why = {"channel": touch.channel, "reason": code}
        await enrollments.note(held.tx, touch.enrollment_id, [Trace(held.now, "trying again", touch.step, why)])
        return Later(code, detail, pause)


async def _other_account(held: HeldCustomer, enrollment: Enrollment, touch: Touch, account: str) -> Instruction:
    """This one is down, and nothing was sent: another account is to deliver the touch, from its own queue."""
    await touches.mark(held.tx, touch.id, status="claimed", account=account)
    why = {"channel": touch.channel, "because": f"{touch.account} is down, by {account}"}
    await enrollments.note(held.tx, enrollment.id, [Trace(held.now, "trying again", touch.step, why)])
    return await held.instruction(enrollment)


def _hour(step: Send, now: datetime, zone: str) -> datetime:
    """When a message of this step may leave, by its own hours."""
    return step.at.next(now, zone) if isinstance(step.at, Hours) else now


def _of_what_left(made: Made, outcome: Outcome) -> dict[str, Any]:
    """The columns of a touch whose message left, or may have."""
    columns: dict[str, Any] = {}
    if made.segments is not None and isinstance(outcome, (Accepted, Unsure)):
        columns |= {"segments": made.segments, "sender": made.sender}
    if isinstance(outcome, Accepted):
        columns["provider_id"] = outcome.provider_id
    return columns


async def _settle(
    held: HeldCustomer, enrollment: Enrollment, touch: Touch, touched: Touched, *, detail: str | None = None, **more: Any
) -> Instruction:
    """``more`` are columns of the touch to be written with how it came to stand."""
    if held.customer.erased:
        detail = None  # what the provider said may name them
    if touched.status == "failed":
        await held.customer.give_back(await held.runtime.programs.get(held.tx, enrollment.program_id), touch)
    await touches.mark(
        held.tx,
        touch.id,
        status=touched.status,
        reason=touched.reason,
        detail=detail,
        settled_at=touched.at,
        **more,
    )
    why = {"channel": touch.channel, "reason": touched.reason, "because": detail}
    if touch.status == "attempting" and touched.status == "sent":
        await held.tell(enrollment, about_touch(touch, "Message Sent", once="sent"))
    elif touch.status == "attempting" and touched.status == "failed" and touched.reason != "ended":
        await held.tell(enrollment, about_touch(touch, "Message Failed", {"reason": touched.reason}, once="failed"))
    moved = await held.settle(enrollment, touch, touched, Trace(touched.at, touched.status, touch.step, why))
    return await held.instruction(moved)


async def _reconciled(held: HeldCustomer, enrollment: Enrollment, touch: Touch) -> Instruction:
    """What the workflow is to do where there is nothing to deliver. A state that still waits for this touch would have it
    delivered again at once, for ever: it learns here what became of it."""
    state, step, channel = enrollment.state, str(touch.step), touch.channel
    touched_in_state = state.touches.get(step, {}).get(channel)
    waited_for = touched_in_state is not None and touched_in_state.status in ("claimed", "attempting")
    if not (enrollment.open and waited_for and touch.round == state.rounds.get(step, 1)):
        return await held.instruction(enrollment)
    log.warning("state behind its touch", enrollment=enrollment.id, touch=touch.id, status=touch.status)
    touched = Touched(status=touch.status, at=touch.settled_at or held.now, reason=touch.reason)
    # The state waits for it under the touch's own name, so that name is of this step.
    formerly = {old: name for old, name in state.formerly.items() if old != step}
    behind = enrollment._replace(state=state.changed(formerly=formerly))
    note = Trace(held.now, touched.status, step, {"channel": channel, "reason": touched.reason})
    return await held.instruction(await held.settle(behind, touch, touched, note))


async def _defer(held: HeldCustomer, enrollment: Enrollment, touch: Touch, verdict: Defer) -> Instruction:
    """Refused for now: the claim is given back, and the touch is decided and composed afresh when its time comes."""
    why = {"channel": touch.channel, "rule": verdict.rule, "because": verdict.reason, "until": verdict.until}
    note = Trace(held.now, "deferred", touch.step, why)
    if verdict.until > touch.deliver_by:
        await enrollments.note(held.tx, enrollment.id, [note])
        return await _settle(
            held, enrollment, touch, Touched(status="failed", at=held.now, reason="too late"), detail=verdict.reason
        )
    await held.customer.give_back(await held.runtime.programs.get(held.tx, enrollment.program_id), touch)
    await touches.mark(held.tx, touch.id, status="deferred", reason=verdict.rule)
    deadline = min(filter(None, (enrollment.state.deadline, verdict.until)))
    waiting = enrollment._replace(state=enrollment.state.model_copy(update={"deadline": deadline}))
    moved = await held.settle(waiting, touch, Touched(status="deferred", at=held.now, reason=verdict.rule), note)
    return await held.instruction(moved)
