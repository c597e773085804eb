"""The life of a touch from its claim on: attempted, then settled, deferred, retried or given to another account.

Only the caller that moves a touch from ``claimed`` to ``attempting`` may call the provider. A touch found ``attempting`` was
begun by a worker that died, or is only slow: nobody can know whether its message left, so it becomes ``uncertain`` and is
not sent again. All functions here run on a held customer, in the transaction that holds them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog

from idic.differentiate.profile import language_of
from idic.interact.channels.channel_edge import MessageCopy, Parcel
from idic.interact.channels.contract import Accepted, Later, Outcome, Placed, Refused, Unsure
from idic.interact.channels.outcomes import DEAD
from idic.journey.channels import CHANNELS, is_placed
from idic.journey.engine.protocol import Allow, Defer, MayWe, Skip
from idic.journey.engine.scope import Scope
from idic.journey.engine.state import State, Touched, Trace
from idic.journey.expressions.evaluate import explain, holds
from idic.journey.program.program import Program
from idic.journey.program.steps import Send
from idic.providers.registry import PROVIDERS
from idic.router.held_customer import HeldCustomer
from idic.router.instruction import Instruction
from idic.store.customer import consents
from idic.store.customer.ingest import about_touch
from idic.store.enrollment import enrollments, message_copies, touches, web_placements
from idic.store.enrollment.enrollments import Enrollment
from idic.store.enrollment.touches import Touch
from idic.times import Hours

log = structlog.get_logger()

RETRY = (5.0, 900.0)
"""Real seconds before the second try, doubled for each after it, and at the most."""

_DOWN = 30.0
"""Real seconds for which an account that took nothing is not tried where another can stand in for it."""

_IN_STORE = {name for name, provider in PROVIDERS.items() if provider.in_store}
"""The accounts whose messages leave in the transaction that records them: only of these is it certain that a message whose
worker died did not leave."""


class DownAccounts:
    """The provider accounts that this process has just found down."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def note(self, account: str) -> None:
        """This account is down: do not try it for a while."""
        self._until[account] = time.monotonic() + _DOWN

    def account_for(self, touch: Touch, accounts: Sequence[str]) -> str:
        """The account by which a touch leaves now: its own, if its channel still has that, else the channel's first; or the
        first that is not known to be down."""
        own = touch.account if touch.account in accounts else accounts[0]
        up = [account for account in (own, *accounts) if self._until.get(account, 0) <= time.monotonic()]
        return up[0] if up else own


class Attempt(NamedTuple):
    """The provider may be called, once, through ``account``. ``number`` tells this attempt from a later one; ``since`` is an
    instant of this machine's steady clock before the touch was marked; ``goal_at`` is when the goal had been reached by
    then."""

    number: int
    customer_id: str
    account: str
    since: float
    parcel: Parcel
    goal_at: datetime | None = None

    def still_to_be_shown(self, state: State) -> bool:
        """Whether web content may still be placed: not for a customer who reached the goal or left meanwhile."""
        return state.goal_at == self.goal_at and (state.ended is None or state.ended.kind == "exit")


class Composed(NamedTuple):
    """What is recorded of a message beside its outcome. ``copy`` is None where none is kept."""

    copy: MessageCopy | None = None
    segments: int | None = None
    sender: str | None = None


async def attempt(held: HeldCustomer, touch_id: str, down: DownAccounts) -> Attempt | Instruction:
    """Mark a touch ``attempting`` if it may leave now. Otherwise settle, defer or reroute it, and say what its workflow is
    to do. Safe to repeat."""
    # When the touch counts as under way, without the time that routing the customer's events took before.
    since = time.monotonic() - held.tx.clock.real_seconds(held.tx.now() - held.now)
    touch = await touches.get(held.tx, touch_id)
    enrollment = await enrollments.get(held.tx, touch.enrollment_id)
    if touch.status == "attempting" and touch.account not in _IN_STORE:
        touched = Touched(status="uncertain", at=held.now, reason="interrupted")
        return await _settle(held, enrollment, touch, touched)
    if touch.status not in ("claimed", "attempting"):
        return await _reconcile(held, enrollment, touch)
    accounts = held.runtime.accounts[touch.channel]
    account = down.account_for(touch, accounts)
    if account != touch.account and touch.account in accounts:
        return await _other_account(held, enrollment, touch, account)
    program = await held.runtime.programs.get(held.tx, enrollment.program_id)
    scope = Scope(program, await held.customer.facts(program), held.now, enrollment.state)
    match await _may_leave(held, enrollment, touch, program, scope):
        case Skip(rule=rule, reason=reason):
            return await _settle(held, enrollment, touch, Touched(status="failed", at=held.now, reason=rule), detail=reason)
        case Defer() as verdict:
            return await _defer(held, enrollment, touch, verdict)
        case Allow():
            pass
    number = touch.attempts + 1
    columns: dict[str, Any] = {"account": account, "attempts": number, "attempted_at": held.now}
    address = held.customer.reach(touch.channel, program).address
    assert address is not None
    if not is_placed(touch.channel):
        columns["recipient"] = await consents.address_digest(held.tx, touch.channel, address)
    await touches.mark(held.tx, touch_id, status="attempting", **columns)
    # A number belongs to one provider: an account that stands in for the first sends by its own.
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


async def _may_leave(
    held: HeldCustomer, enrollment: Enrollment, touch: Touch, program: Program, scope: Scope
) -> Allow | Defer | Skip:
    """Whether a claimed touch may leave now: in time, under its step's condition and hours, and by the contact policy."""
    step = program.steps[touch.step]
    assert isinstance(step, Send)
    if held.now > touch.deliver_by:
        return Skip("too late", f"within {step.within}")
    if step.when is not None and not holds(step.when, scope):
        return Skip("condition", explain(step.when, scope))
    if (hour := _hour(step, held.now, scope.zone)) > held.now:
        return Defer(hour, "hours", f"at {step.at}")
    ask = MayWe(step.id, touch.channel, touch.message, touch.deliver_by, enrollment.id, enrollment.state.entry)
    return await held.customer.ask_policy(program, ask, open_=enrollment.open, again=touch)


def _hour(step: Send, now: datetime, zone: str) -> datetime:
    """When a message of this step may leave, by its own hours."""
    return step.at.next(now, zone) if isinstance(step.at, Hours) else now


async def record(
    held: HeldCustomer, touch_id: str, attempt: Attempt, outcome: Outcome, composed: Composed, down: DownAccounts
) -> Instruction | Later:
    """Record what became of an attempt, and take the enrollment further. ``Later`` where it is to be tried again."""
    touch = await touches.get(held.tx, touch_id)
    enrollment = await enrollments.get(held.tx, touch.enrollment_id)
    if touch.attempts != attempt.number:
        return await held.instruction(enrollment)
    copy = None if held.customer.erased else composed.copy
    if copy is not None and isinstance(outcome, (Accepted, Placed, Unsure)):
        await message_copies.keep(held.tx, touch_id, copy, held.now)
    left = {} if held.customer.erased else _columns_of_sent(composed, outcome)
    if touch.status not in ("attempting", "uncertain"):
        # The provider's own report was here first.
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
            return await _later(held, enrollment, touch, outcome, down)


def _columns_of_sent(composed: Composed, outcome: Outcome) -> dict[str, Any]:
    """The columns of a touch whose message left, or may have left."""
    columns: dict[str, Any] = {}
    if composed.segments is not None and isinstance(outcome, (Accepted, Unsure)):
        columns |= {"segments": composed.segments, "sender": composed.sender}
    if isinstance(outcome, Accepted):
        columns["provider_id"] = outcome.provider_id
    return columns


async def _later(
    held: HeldCustomer, enrollment: Enrollment, touch: Touch, outcome: Later, down: DownAccounts
) -> Instruction | Later:
    """Certainly not sent: claim the touch again for another try, unless that would come too late; if its account is down and
    the channel has another, by that one at once."""
    code, detail, after, is_down = outcome
    if is_down:
        down.note(touch.account)
        account = down.account_for(touch, held.runtime.accounts[touch.channel])
        if enrollment.open and account != touch.account and touch.status == "attempting":
            return await _other_account(held, enrollment, touch, account)
    first, longest = RETRY
    pause = min(max(after or 0, first * 2 ** min(touch.attempts - 1, 10)), longest)
    retry_at = held.now + timedelta(seconds=pause) * held.tx.clock.factor
    if not enrollment.open or retry_at > touch.deliver_by or touch.status != "attempting":
        return await _settle(held, enrollment, touch, Touched(status="failed", at=held.now, reason=code), detail=detail)
    await touches.mark(held.tx, touch.id, status="claimed", reason=code, detail=detail)
    why = {"channel": touch.channel, "reason": code}
    await enrollments.note(held.tx, touch.enrollment_id, [Trace(held.now, "trying again", touch.step, why)])
    return Later(code, detail, pause)


async def _other_account(held: HeldCustomer, enrollment: Enrollment, touch: Touch, account: str) -> Instruction:
    """The touch's account is down, and nothing was sent: another account delivers it, from its own queue."""
    await touches.mark(held.tx, touch.id, status="claimed", account=account)
    why = {"channel": touch.channel, "because": f"{touch.account} is down, by {account}"}
    await enrollments.note(held.tx, enrollment.id, [Trace(held.now, "trying again", touch.step, why)])
    return await held.instruction(enrollment)


async def _settle(
    held: HeldCustomer,
    enrollment: Enrollment,
    touch: Touch,
    touched: Touched,
    *,
    detail: str | None = None,
    **columns: Any,
) -> Instruction:
    """Record the touch's new status, with more ``columns`` of it, and take the enrollment further."""
    if held.customer.erased:
        detail = None  # the provider's words may name the customer
    if touched.status == "failed":
        await held.customer.give_back(await held.runtime.programs.get(held.tx, enrollment.program_id), touch)
    await touches.mark(
        held.tx,
        touch.id,
        status=touched.status,
        reason=touched.reason,
        detail=detail,
        settled_at=touched.at,
        **columns,
    )
    why = {"channel": touch.channel, "reason": touched.reason, "because": detail}
    if touch.status == "attempting" and touched.status == "sent":
        await held.tell(enrollment, about_touch(touch, "Message Sent", once="sent"))
    elif touch.status == "attempting" and touched.status == "failed" and touched.reason != "ended":
        await held.tell(enrollment, about_touch(touch, "Message Failed", {"reason": touched.reason}, once="failed"))
    moved = await held.settle(enrollment, touch, touched, Trace(touched.at, touched.status, touch.step, why))
    return await held.instruction(moved)


async def _reconcile(held: HeldCustomer, enrollment: Enrollment, touch: Touch) -> Instruction:
    """There is nothing to deliver: the touch is settled. A state that still waits for it would have it delivered again at
    once, for ever: it learns here what became of it."""
    state, step, channel = enrollment.state, touch.step, touch.channel
    known = state.touches.get(step, {}).get(channel)
    waited_for = known is not None and known.status in ("claimed", "attempting")
    if not (enrollment.open and waited_for and touch.round == state.rounds.get(step, 1)):
        return await held.instruction(enrollment)
    log.warning("state behind its touch", enrollment=enrollment.id, touch=touch.id, status=touch.status)
    touched = Touched(status=touch.status, at=touch.settled_at or held.now, reason=touch.reason)
    # The state waits for it under the touch's own step name, so that name is the step's.
    formerly = {old: name for old, name in state.formerly.items() if old != step}
    behind = enrollment._replace(state=state.changed(formerly=formerly))
    note = Trace(held.now, touched.status, step, {"channel": channel, "reason": touched.reason})
    return await held.instruction(await held.settle(behind, touch, touched, note))


async def _defer(held: HeldCustomer, enrollment: Enrollment, touch: Touch, verdict: Defer) -> Instruction:
    """Refused for now: give the claim back. The touch is decided and composed anew when its time comes."""
    why = {"channel": touch.channel, "rule": verdict.rule, "because": verdict.reason, "until": verdict.until}
    note = Trace(held.now, "deferred", touch.step, why)
    if verdict.until > touch.deliver_by:
        await enrollments.note(held.tx, enrollment.id, [note])
        touched = Touched(status="failed", at=held.now, reason="too late")
        return await _settle(held, enrollment, touch, touched, detail=verdict.reason)
    await held.customer.give_back(await held.runtime.programs.get(held.tx, enrollment.program_id), touch)
    await touches.mark(held.tx, touch.id, status="deferred", reason=verdict.rule)
    deadline = min(filter(None, (enrollment.state.deadline, verdict.until)))
    waiting = enrollment._replace(state=enrollment.state.model_copy(update={"deadline": deadline}))
    moved = await held.settle(waiting, touch, Touched(status="deferred", at=held.now, reason=verdict.rule), note)
    return await held.instruction(moved)
