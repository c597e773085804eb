"""Import consents and suppressed addresses from files, line by line.

A line that was imported before changes nothing, so a file can be imported again, also after half of it was. An import only
adds to the ledger: it is no event, and nobody enters a journey because of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, insert, select

from idic.errors import InvalidInput
from idic.identify.messages import read_identifier, read_moment, read_object
from idic.identify.phones import PhoneInvalid, e164
from idic.identify.resolution import UserIds
from idic.interact.consent import DOUBLE_OPT_IN, IMPORT, LONGEST_NAME, MARKETING, ConsentStatement
from idic.interact.reach import reach
from idic.journey.channels import CHANNELS, EMAIL, EMAIL_ATTRIBUTE, PHONE_ATTRIBUTE, SMS
from idic.journey.vocabulary.built_in import ACTS
from idic.problems import did_you_mean, one_of
from idic.store.any_of import any_of
from idic.store.customer import consents, customers, phone_numbers
from idic.store.customer.customers import CustomerRow
from idic.store.customer.ingest import customer_of
from idic.store.database import Tx
from idic.store.tables import Row, identities
from idic.store.tables import consents as ledger
from idic.store.tables import customers as customers_table
from idic.store.tables import numbers as numbers_table

NEEDED = ("channel", "given", "at")
"""The columns that a file of consents must have, beside one of ``WHOSE``."""
WHOSE = ("user_id", EMAIL_ATTRIBUTE, PHONE_ATTRIBUTE)
_COLUMNS = (*WHOSE, *NEEDED, "topic", "purpose", "act", "confirmed", "proof")
_YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


class ConsentLine(NamedTuple):
    """A line of the file: who consented to what, and when (UTC). ``email`` is in lower case, ``phone`` in E.164."""

    number: int
    user_id: str | None
    email: str | None
    phone: str | None
    said: ConsentStatement
    at: datetime


def read_consent(number: int, raw: Mapping[str, Any], now: datetime, country: str | None) -> ConsentLine:
    """Read a line; unknown columns become part of the proof. Raises ``InvalidInput``."""
    cells = {name: value for name, value in raw.items() if value is not None and value != ""}
    user_id = read_identifier(cells["user_id"], "user_id") if "user_id" in cells else None
    email = _email(cells[EMAIL_ATTRIBUTE]) if EMAIL_ATTRIBUTE in cells else None
    phone = _phone(cells["phone"], country) if "phone" in cells else None
    if user_id is None and email is None and phone is None:
        raise InvalidInput(f"doesn't say whose it is: give {one_of(WHOSE)}")
    for name in NEEDED:
        if name not in cells:
            raise InvalidInput("is missing" + ("; a consent must say when it was given" if name == "at" else ""), where=name)
    if cells["channel"] not in tuple(CHANNELS):
        raise InvalidInput(f"must be {one_of(CHANNELS)}", where="channel")
    at = read_moment(cells["at"], "at")
    assert at is not None
    if at > now:
        raise InvalidInput("is in the future", where="at")
    act = cells.get("act", IMPORT)
    if act not in ACTS:
        hint = did_you_mean(act, ACTS) if isinstance(act, str) else ""
        raise InvalidInput(f"must be {one_of(ACTS)}{f'; {hint}' if hint else ''}", where="act")
    statement = ConsentStatement(
        channel=cells["channel"],
        topic=_name(cells, "topic"),
        purpose=_name(cells, "purpose") or MARKETING,
        given=_yes_no(cells, "given"),
        confirmed=_yes_no(cells, "confirmed") if "confirmed" in cells else act == DOUBLE_OPT_IN,
        act=act,
        proof=_proof(cells),
    )
    return ConsentLine(number, user_id, email, phone, statement, at)


def _proof(cells: Mapping[str, Any]) -> Any:
    proof = cells.get("proof")
    more = {name: value for name, value in cells.items() if name not in _COLUMNS}
    if more:
        proof = read_object({**more, **({"proof": proof} if proof is not None else {})}, "proof")
    elif proof is not None:
        read_object({"proof": proof}, "proof")
    return proof


def _name(cells: Mapping[str, Any], name: str) -> str | None:
    value = cells.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidInput("must be text", where=name)
    if value and len(value) > LONGEST_NAME:
        raise InvalidInput(f"has more than {LONGEST_NAME} characters", where=name)
    read_object({name: value}, "line")
    return value.strip() or None if value else None


def _yes_no(cells: Mapping[str, Any], name: str) -> bool:
    value = cells[name]
    answer = value if isinstance(value, bool) else _YES_NO.get(str(value).strip().lower())
    if answer is None:
        raise InvalidInput("must be yes or no", where=name)
    return answer


def _email(value: object) -> str:
    if not isinstance(value, str) or "@" not in value or not value.strip().isprintable() or len(value) > 320:
        raise InvalidInput("isn't an email address", where=EMAIL_ATTRIBUTE)
    return value.strip().lower()


def _phone(value: object, country: str | None) -> str:
    try:
        return e164(str(value), country)
    except PhoneInvalid as problem:
        raise InvalidInput(str(problem), where="phone") from None


class ConsentsImported(NamedTuple):
    """The result of an import: how many lines are new in the ledger, how many were in it already, and the numbers of the
    lines without a customer."""

    new: int
    known: int
    nobodys: tuple[int, ...]


async def import_lines(tx: Tx, lines: Sequence[ConsentLine], *, create: bool, country: str | None) -> ConsentsImported:
    """Add the lines that are new to the ledgers. A line with an address counts for every customer who has it. With
    ``create``, an unknown person becomes a customer."""
    theirs = await _whose(tx, lines)
    nobodys = []
    created: dict[object, str] = {}
    for line in lines:
        if not theirs[line.number]:
            if create:
                person = line.user_id or line.email or line.phone
                if person not in created:
                    created[person] = await _created(tx, line)
                theirs[line.number] = [created[person]]
            else:
                nobodys.append(line.number)
    rows = await _held(tx, {one for those in theirs.values() for one in those})
    chosen = select(ledger).where(any_of(tx, ledger.c.customer_id, {row.id for row in rows.values()}))
    recorded = {
        _key(row["customer_id"], ConsentStatement(**{n: row[n] for n in ConsentStatement._fields}), row["at"])
        for row in await tx.rows(chosen)
    }
    new: dict[object, Row] = {}
    known = 0
    for line in lines:
        before = len(new)
        for customer_id in theirs[line.number]:
            row = rows[customer_id]
            key = _key(row.id, line.said, line.at)
            if row.erased_at is None and key not in recorded and key not in new:
                new[key] = {"customer_id": row.id, **line.said._asdict(), "at": line.at}
                if line.said.given and line.said.confirmed:
                    await _changed_their_mind(tx, row, line, country)
        known += bool(theirs[line.number]) and len(new) == before
    if new:
        await tx.execute(insert(ledger), list(new.values()))
    return ConsentsImported(len(lines) - known - len(nobodys), known, tuple(nobodys))


def _key(customer_id: str, said: ConsentStatement, at: datetime) -> object:
    return (customer_id, said._replace(proof=None), at)


async def _changed_their_mind(tx: Tx, row: CustomerRow, line: ConsentLine, country: str | None) -> None:
    address = reach(line.said.channel, row.id, row.traits, None, line.at, country).address
    if address is not None:
        await consents.lift(tx, line.said.channel, address, consents.WISHES, before=line.at)


async def _whose(tx: Tx, lines: Iterable[ConsentLine]) -> dict[int, list[str]]:
    """The customers of each line, by its number: the one with the user id, or else all who have the address."""
    by_user: dict[str, list[str]] = {}
    by_email: dict[str, list[str]] = {}
    by_phone: dict[str, list[str]] = {}
    users = {line.user_id for line in lines if line.user_id is not None}
    emails = {line.email for line in lines if line.user_id is None and line.email is not None}
    phones = {line.phone for line in lines if line.user_id is None and line.email is None and line.phone is not None}
    named = select(identities.c.value, identities.c.customer_id, identities.c.kind)
    for row in await tx.rows(named.where(identities.c.kind == "user_id", any_of(tx, identities.c.value, users))):
        by_user.setdefault(row["value"], []).append(row["customer_id"])
    if emails:
        email = func.lower(customers_table.c.traits[EMAIL_ATTRIBUTE].as_string())
        # A scan of all customers, once for a whole page of lines.
        for row in await tx.rows(select(customers_table.c.id, email.label(EMAIL_ATTRIBUTE)).where(email.in_(sorted(emails)))):
            by_email.setdefault(row[EMAIL_ATTRIBUTE], []).append(row["id"])
        for row in await tx.rows(named.where(identities.c.kind == EMAIL_ATTRIBUTE, any_of(tx, identities.c.value, emails))):
            by_email.setdefault(row["value"], []).append(row["customer_id"])
    if phones:
        digests = {await consents.address_digest(tx, SMS.name, phone): phone for phone in sorted(phones)}
        for row in await tx.rows(select(numbers_table).where(any_of(tx, numbers_table.c.digest, digests))):
            by_phone.setdefault(digests[row["digest"]], []).append(row["customer_id"])
    return {
        line.number: sorted(
            set(
                by_user.get(line.user_id, ())
                if line.user_id is not None
                else by_email.get(line.email, ())
                if line.email is not None
                else by_phone.get(line.phone or "", ())
            )
        )
        for line in lines
    }


async def _created(tx: Tx, line: ConsentLine) -> str:
    addresses = {EMAIL_ATTRIBUTE: line.email, PHONE_ATTRIBUTE: line.phone}
    traits = {name: address for name, address in addresses.items() if address is not None}
    if line.user_id is not None:
        customer_id = await customer_of(tx, UserIds(line.user_id, None, None))
    elif line.email is not None:
        customer_id = uuid.uuid4().hex
        row = {"id": customer_id, "traits": {}, "created_at": tx.now(), "updated_at": tx.now()}
        await tx.execute(insert(customers_table).values(row))
        identity = {"kind": EMAIL_ATTRIBUTE, "value": line.email, "customer_id": customer_id, "created_at": tx.now()}
        await tx.execute(insert(identities).values(identity))
    else:
        return await phone_numbers.customer_by_number(tx, str(line.phone))
    await customers.set_traits(tx, customer_id, traits, tx.now())
    await phone_numbers.note_number(tx, customer_id, traits, tx.now())
    return customer_id


async def _held(tx: Tx, ids: set[str]) -> dict[str, CustomerRow]:
    """Lock these customers. Returns their rows by id, merges followed."""
    if not ids:
        return {}
    await customers.lock_together(tx, ids)
    return {one: await customers.lock(tx, one) for one in sorted(ids)}


# Suppressed addresses.

REASONS = (
    "hard_bounce", "no_such_mailbox", "no_such_number", "not_a_mobile", "landline", "complaint", "opted_out", "erased",
    "operator",
)  # fmt: skip


class SuppressionLine(NamedTuple):
    """A line of the file: an address to suppress."""

    channel: str
    address: str
    reason: str
    at: datetime


def read_suppression(raw: Mapping[str, Any], now: datetime, country: str | None) -> SuppressionLine:
    """Read a line. Raises ``InvalidInput``."""
    cells = {name: value for name, value in raw.items() if value is not None and value != ""}
    if "address" not in cells:
        raise InvalidInput("is missing", where="address")
    channel, address = read_address(str(cells["address"]), cells.get("channel"), country)
    at = read_moment(cells.get("at"), "at")
    if at is not None and at > now:
        raise InvalidInput("is in the future", where="at")
    return SuppressionLine(channel, address, read_reason(cells.get("reason", "operator")), at or now)


def read_reason(reason: object) -> str:
    """One of ``REASONS``. Raises ``InvalidInput``."""
    if reason not in REASONS:
        hint = did_you_mean(reason, REASONS) if isinstance(reason, str) else ""
        raise InvalidInput(f"must be {one_of(REASONS)}{f'; {hint}' if hint else ''}", where="reason")
    return str(reason)


def read_address(written: str, channel: object, country: str | None) -> tuple[str, str]:
    """The channel and the address; without ``channel``, an @ means email. Raises ``InvalidInput``."""
    if channel not in (None, EMAIL.name, SMS.name):
        raise InvalidInput("must be email or sms", where="channel")
    if channel == EMAIL.name or (channel is None and "@" in written):
        return EMAIL.name, _email(written)
    try:
        return SMS.name, e164(written, country)
    except PhoneInvalid as problem:
        raise InvalidInput(f"isn't an email address, and as a phone number: {problem}", where="address") from None


async def suppress(tx: Tx, lines: Sequence[SuppressionLine]) -> None:
    """Suppress the addresses of these lines."""
    # In a fixed order, or two imports deadlock.
    for line in sorted(lines):
        await consents.suppress(tx, line.channel, line.address, line.reason, line.at)
