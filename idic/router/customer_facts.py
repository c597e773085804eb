"""What is known of a held customer, and the answers to the interpreter's questions about them."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from idic.differentiate.counted import CountedEvent, DecliningTotal, total
from idic.differentiate.profile import zone_of
from idic.interact.best.pick import best_channel, best_hour
from idic.interact.best.response_model import MessageResponse, ResponseGroups
from idic.interact.channels.channel_edge import Reach
from idic.interact.policy import decide
from idic.interact.policy.rules import budget_spent
from idic.interact.policy.touch_request import Coming, Consent, Contact, PolicyFacts
from idic.interact.reach import reach
from idic.journey.contact_policy.contact_policy import Budget, Policy
from idic.journey.engine.admission import day_of
from idic.journey.engine.passing_time import leaving
from idic.journey.engine.protocol import Ahead, Allow, Ask, Best, BestTime, Defer, Inbox, Machine, MayWe, Outcome, Skip, Verdict
from idic.journey.engine.resume import PAUSE, PAUSED
from idic.journey.engine.scope import Facts
from idic.journey.engine.state import Event
from idic.journey.program.program import Program
from idic.journey.program.steps import Send
from idic.journey.program.values import Attribute
from idic.router import contact_history
from idic.router.runtime import Runtime
from idic.store.customer import consents, events
from idic.store.customer.customers import CustomerRow
from idic.store.database import Tx
from idic.store.enrollment.touches import Touch
from idic.store.journey import daily_counts, responses


class CustomerFacts:
    """What is known of a customer whose row is locked in a transaction. ``now`` was read after the row was locked.

    ``policy`` is the contact policy as it was last asked. ``routing`` is the event that is being routed, if one is.
    """

    def __init__(self, tx: Tx, runtime: Runtime, row: CustomerRow) -> None:
        self.tx = tx
        self.runtime = runtime
        self.id = row.id
        self.row = row
        self.traits = row.traits
        self.now = tx.now()
        self.policy = Policy()
        self.routing: Event | None = None
        self._consents: list[Consent] | None = None
        # Allowed in the move under way, and not written yet.
        self._allowed: list[Contact] = []

    @property
    def erased(self) -> bool:
        """Whether the customer's data was erased: nothing about them may be written again."""
        return self.row.erased_at is not None

    def consents_changed(self) -> None:
        """Read the customer's consents again when they are next needed."""
        self._consents = None

    async def drive(self, program: Program, machine: Machine, *, entering: bool = False) -> Outcome:
        """Run the interpreter's machine and answer its questions. ``entering``: the enrollment is about to begin."""
        self._allowed.clear()
        try:
            question = next(machine)
            while True:
                question = machine.send(await self._answer(program, question, entering=entering))
        except StopIteration as stop:
            # The caller writes the outcome before anything else is asked: from then on its touches count by themselves.
            self._allowed.clear()
            outcome: Outcome = stop.value
            return outcome

    async def _answer(self, program: Program, question: Ask, *, entering: bool) -> object:
        match question:
            case Inbox(names, since):
                # At entry no event counts yet: neither the one it is entered on, nor any before it.
                if entering:
                    return ()
                routed = await events.inbox(self.tx, self.id, sorted(names), since)
                event = self.routing
                # The interpreter compares it with its own present, which may be an instant before this event.
                return [*routed, event] if event and event.name in names and event.accepted_at >= since else routed
            case MayWe():
                return await self.ask_policy(program, question, open_=True)
            case Best():
                reached = {channel: self.reach(channel, program) for channel in question.channels}
                unreachable = {channel: where.problem for channel, where in reached.items() if where.address is None}
                return best_channel(
                    question,
                    *await self._answers(program, question.at),
                    unreachable=unreachable,
                    explored=self.runtime.explored,
                )
            case BestTime():
                zone = zone_of(self.traits, program.zone)
                answers = await self._answers(program, question.earliest)
                step = program.steps[question.step]
                channels = step.channels if isinstance(step, Send) else ()
                reached = {channel: self.reach(channel, program) for channel in channels}
                policy = await self.runtime.policies.current(self.tx)
                closed = decide.quiet_for(policy, program, reached, self.traits, zone)
                return best_hour(question, *answers, zone, explored=self.runtime.explored, closed=closed)
            case Ahead():
                return await self._ahead(program, question)
            case _:
                assert_never(question)

    async def _answers(self, program: Program, at: datetime) -> tuple[list[MessageResponse], ResponseGroups]:
        """How this customer and people like them have answered by then."""
        messages = await responses.messages(self.tx, self.id, program.purpose, at)
        if program.purpose != responses.MARKETING:
            return messages, ResponseGroups()
        return messages, await self.runtime.responses.crowd(self.tx, self.traits, self.now)

    async def _ahead(self, program: Program, ask: Ahead) -> list[tuple[datetime, Facts]]:
        zone = zone_of(self.traits, program.zone)
        known = await self.facts(program, ask.since)
        turns, ebbing = {ask.since}, {}
        for name in ask.attributes:
            attribute = program.customer[name]
            if attribute.window is not None:
                since = attribute.window.before(ask.since, zone)
                counted = await self._counted(attribute, upto=ask.since, since=since)
                turns.update(leaving(attribute, (event.accepted_at for event in counted), ask.since, ask.until, zone))
                ebbing[name] = DecliningTotal(attribute, counted, zone, program.currency)
        return [
            (at, known._replace(customer={**known.customer, **{name: ebb.at(at) for name, ebb in ebbing.items()}}))
            for at in sorted(turns)
        ]

    async def _counted(self, attribute: Attribute, *, upto: datetime, since: datetime | None) -> list[CountedEvent]:
        name = attribute.counted_event or ""
        return await events.counted(self.tx, self.id, name, upto=upto, since=since)

    async def ask_policy(self, program: Program, touch: MayWe, *, open_: bool, again: Touch | None = None) -> Verdict:
        """Ask the contact policy about one touch, now; ``again`` is its row if it is claimed already. A paused journey defers
        every touch until it would be too late; an ended enrollment sends nothing.

        An allowed touch counts from then on, in this transaction and, once it is claimed, for everybody."""
        reached = self.reach(touch.channel, program)
        barred = await consents.delivery_blocks(self.tx, touch.channel, reached.address, program.journey)
        if barred.paused and open_:
            if self.now >= touch.deliver_by:
                return Skip("too late", PAUSE)
            return Defer(touch.deliver_by, PAUSED, PAUSE)
        self.policy = policy = await self.runtime.policies.get(self.tx, barred.policy)
        customer = PolicyFacts(
            self.id,
            self.traits,
            zone_of(self.traits, program.zone),
            await self._read_consents(),
            suppressed={touch.channel: barred.suppressed} if barred.suppressed else {},
            fewer=self.row.fewer,
            paused_until=self.row.paused_until,
            reply=await contact_history.reply(self.tx, policy, program, touch, self.now),
        )
        if program.purpose == "marketing":
            customer = await self._contacted(customer, policy, program, touch, again)
        verdict = decide.ask(
            customer,
            program,
            touch.channel,
            self.now,
            policy=policy,
            rules=self.runtime.rules,
            found=reached,
            deliver_by=touch.deliver_by,
            open_=open_,
        )
        if isinstance(verdict, Allow) and program.purpose == "marketing":
            budget = policy.budget.get(touch.channel)
            if budget is not None and not await self._afford(budget, program, touch.channel, again):
                return budget_spent(touch.channel, budget, self.now, program.zone)
            if again is None:
                self._allowed.append(Contact(self.now, touch.channel, program.journey, program.topic, unsent=True))
        return verdict

    async def _contacted(
        self, customer: PolicyFacts, policy: Policy, program: Program, touch: MayWe, again: Touch | None
    ) -> PolicyFacts:
        window = contact_history.window(policy, program, fewer=customer.fewer)
        if window is None:
            return customer
        sent = await contact_history.made(self.tx, self.id, self.now - window, again.id if again else None)
        ahead: list[Coming] = []
        if policy.priority:
            ahead = await contact_history.coming(self.tx, self.runtime.programs, self.id, touch.enrollment, self.now)
        return customer._replace(contacts=[*sent, *self._allowed], coming=ahead)

    async def _afford(self, budget: Budget, program: Program, channel: str, again: Touch | None) -> bool:
        """Count one more message of today, unless it is counted already."""
        today = day_of(program, self.now)
        if again is None:
            return await daily_counts.count_message(self.tx, channel, today, budget.at_most)
        counted = _day_counted(program, again)
        if counted == today:
            return True
        if not await daily_counts.count_message(self.tx, channel, today, budget.at_most):
            return False
        await daily_counts.give_back_messages(self.tx, channel, counted)
        return True

    async def give_back(self, program: Program, touch: Touch) -> None:
        """Free a touch's place in the day's budget: it was claimed, and is certainly not sent, or not now."""
        if touch.purpose == "marketing" and touch.channel in (await self.runtime.policies.current(self.tx)).budget:
            await daily_counts.give_back_messages(self.tx, touch.channel, _day_counted(program, touch))

    async def take_again(self, program: Program, touch: Touch) -> None:
        """Count a touch again whose place was given back: it left after all, whatever the budget says."""
        if touch.purpose == "marketing" and touch.channel in (await self.runtime.policies.current(self.tx)).budget:
            await daily_counts.count_message(self.tx, touch.channel, _day_counted(program, touch), daily_counts.UNLIMITED)

    def reach(self, channel: str, program: Program) -> Reach:
        """This customer's address on a channel, or why there is none."""
        return reach(channel, self.id, self.traits, self.row.web_seen_at, self.now, program.country)

    async def has_withdrawn(self, touch: Touch) -> bool:
        """Whether the consent that a touch needs was withdrawn while it was under way."""
        if touch.purpose != "marketing":
            return False
        about = [
            consent
            for consent in await self._read_consents()
            if consent.channel == touch.channel and consent.purpose == touch.purpose and consent.topic in (None, touch.topic)
        ]
        assert touch.attempted_at is not None, "asked only of a touch under way"
        return bool(about) and not about[-1].given and about[-1].at >= touch.attempted_at

    async def _read_consents(self) -> list[Consent]:
        if self._consents is None:
            self._consents = await consents.consents_of(self.tx, self.id)
        return self._consents

    async def facts(self, program: Program, upto: datetime | None = None) -> Facts:
        """The customer's attributes, with counted and summed ones as they stood at ``upto``, by default now."""
        zone = zone_of(self.traits, program.zone)
        attributes = dict(self.traits)
        for name, attribute, _ in program.computed:
            attributes[name] = await self._tally(attribute, upto or self.now, zone, program.currency)
        return Facts(attributes, zone)

    async def _tally(self, attribute: Attribute, upto: datetime, zone: str, currency: str) -> float:
        since = attribute.window.before(upto, zone) if attribute.window else None
        if attribute.sums is None:
            return await events.count(self.tx, self.id, attribute.counts or "", upto=upto, since=since)
        counted = await self._counted(attribute, upto=upto, since=since)
        return total(attribute, (event.properties for event in counted), currency)


def _day_counted(program: Program, touch: Touch) -> str:
    """The day (ISO) in whose budget a touch counts: that of its last attempt, or of its claim if that was later."""
    return day_of(program, max(filter(None, (touch.attempted_at, touch.claimed_at))))
