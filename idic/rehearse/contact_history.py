"""The contact history of one customer of a rehearsal, for the contact policy: messages sent, planned and answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from idic.interact import consent
from idic.interact.policy.frequency import BEHIND, RESERVED
from idic.interact.policy.planned_messages import ahead
from idic.interact.policy.touch_request import Coming, Consent, Contact, PolicyFacts, Reply, Suppressed
from idic.journey.channels import SMS
from idic.journey.contact_policy.contact_policy import Policy
from idic.journey.engine.protocol import Allow, MayWe, Verdict
from idic.journey.program.program import Program
from idic.journey.program.values import Type
from idic.journey.vocabulary.types import read
from idic.rehearse.simulator import SentMessage, SimulatedEnrollment

_MOMENT = Type(kind="moment")
_COUNTS = ("sent", "uncertain")


class ContactHistory:
    """The history of all journeys together, since caps count the messages of all of them."""

    def __init__(self, programs: Sequence[Program], policy: Policy) -> None:
        self.policy = policy
        self.topics = {program.journey: program.topic for program in programs if program.purpose == "marketing"}
        self._sent: list[Contact] = []
        # Allowed, and not settled yet.
        self._allowed: list[Contact] = []
        self._replies: dict[str, Reply] = {}
        # Since when SMS are stopped by a keyword.
        self._stopped: datetime | None = None

    def known(
        self, known: PolicyFacts, program: Program, ask: MayWe, now: datetime, enrollments: Sequence[SimulatedEnrollment]
    ) -> PolicyFacts:
        """Complete ``known`` with the history that the policy needs for a message of ``program``."""
        suppressed = known.suppressed
        if self._stopped is not None:
            suppressed = {SMS.name: Suppressed("opted_out", self._stopped), **suppressed}
        return known._replace(
            contacts=(*self._sent, *self._allowed),
            coming=self._coming(ask, now, enrollments),
            reply=self._reply(program, ask),
            suppressed=suppressed,
        )

    def decided(self, program: Program, ask: MayWe, now: datetime, verdict: Verdict) -> None:
        """Note the policy's verdict: an allowed message counts from now on."""
        if isinstance(verdict, Allow) and program.journey in self.topics:
            self._allowed.append(Contact(now, ask.channel, program.journey, program.topic, unsent=True))

    def settled(self, sent: SentMessage, status: str) -> None:
        """Note that an allowed message was sent, or failed and no longer counts."""
        if sent.journey not in self.topics:
            return
        mine = next((one for one in self._allowed if (one.journey, one.channel) == (sent.journey, sent.channel)), None)
        if mine is not None:
            self._allowed.remove(mine)
        if status in _COUNTS:
            self._sent.append(Contact(sent.at, sent.channel, sent.journey, self.topics[sent.journey]))

    def replied(self, at: datetime, enrollment: str | None, properties: Mapping[str, Any]) -> None:
        """Note a reply, and obey its keyword."""
        if enrollment is not None:
            self._replies[enrollment] = _reply(at, properties)
        match properties.get("keyword"):
            case "stop":
                self._stopped = self._stopped or at
            case "start":
                self._stopped = None

    def _coming(self, ask: MayWe, now: datetime, enrollments: Sequence[SimulatedEnrollment]) -> tuple[Coming, ...]:
        if not self.policy.priority:
            return ()
        planned = (ahead(one.program, one.state) for one in enrollments if one.open and one.state.enrollment != ask.enrollment)
        return tuple(one for one in planned if one is not None and now - BEHIND < one.at <= now + RESERVED)

    def _reply(self, program: Program, ask: MayWe) -> Reply | None:
        """The reply that a message would answer. As in production, a journey that does not listen for replies has none."""
        entered = _reply(ask.entry.accepted_at, ask.entry.properties) if ask.entry and ask.entry.name == "Replied" else None
        heard = self._replies.get(ask.enrollment) if "Replied" in program.hears else None
        return heard or entered


def consent_of(name: str, properties: Mapping[str, Any], at: datetime) -> Consent | None:
    """The consent that an event would record, or None where it is not valid."""
    try:
        statement = consent.read(name, properties)
    except ValueError:
        return None
    return Consent(statement.channel, statement.topic, statement.given, at, statement.purpose, statement.confirmed)


def preferences_of(properties: Mapping[str, Any]) -> tuple[bool, datetime | None]:
    """The preferences of an event: whether the customer wants fewer messages, and until when none."""
    return properties.get("fewer") is True, read(_MOMENT, properties.get("paused_until"), siblings={}, currency="")


def consent_by(properties: Mapping[str, Any], at: datetime) -> Consent | None:
    """The consent that the keyword of a reply gives or withdraws, or None."""
    keyword = properties.get("keyword")
    return Consent(SMS.name, None, keyword == "start", at, confirmed=True) if keyword in ("stop", "start") else None


def _reply(at: datetime, properties: Mapping[str, Any]) -> Reply:
    keyword = properties.get("keyword")
    return Reply(at, str(properties.get("channel") or SMS.name), keyword if isinstance(keyword, str) else None)
