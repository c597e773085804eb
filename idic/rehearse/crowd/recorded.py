"""Read recorded events from a file (NDJSON or CSV), and sort them by customer.

    NDJSON   Segment's messages, one a line: {"type": "track", "userId": "anna", "event": "Cart Updated", "timestamp": …}
             or {"customer": "anna", "event": "Cart Updated", "time": …, "properties": {…}}; with `traits` instead of an
             event, attributes of the customer
             An event about a thing names no customer: it happens to everybody.
    CSV      with commas, semicolons or tabs
             columns customer, event and time; every other column is a property, a column `properties` holds them as JSON;
             where the event is `identify`, the properties are attributes of the customer

Memory holds the customers' ids and one part of the file at a time; the rest is in temporary files.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple, Self

from idic.errors import InvalidInput, NotFound
from idic.identify.messages import LARGEST_MESSAGE, read_identifier, read_message, read_moment, read_object
from idic.identify.names import attribute_name
from idic.identify.resolution import Identity, UserIds, resolve
from idic.identify.tabular import NumberedLine, is_csv, read_lines
from idic.journey.vocabulary.built_in import ABOUT_MESSAGES
from idic.journey.vocabulary.types import read
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.problems import nearest
from idic.rehearse.crowd.crowd_person import CrowdPerson, Happening

_TIMES = ("time", "receivedAt", "timestamp", "originalTimestamp")
"""Columns with the instant at which a line counts, the first present one. idic counts from when an event was received."""
_CUSTOMER, _EVENT, _TIME, _PROPERTIES = "customer", "event", "time", "properties"
_IDENTIFY = "identify"
_ON_THE_SITE = ("Page Viewed", "Message Shown")
_PART = 24 * 1024 * 1024
_AT_ONCE = 2000
_SHOWN = 10
_LONGEST_VALUE = 40

Progress = Callable[[int, int], None]
"""Called with the number of bytes read, and of all bytes."""


class RecordedLine(NamedTuple):
    """A line of the file; ``name`` is empty for attributes of a customer."""

    user_ids: UserIds
    at: datetime
    name: str
    properties: Mapping[str, Any]
    message_id: str | None = None


class UnreadProperty(NamedTuple):
    """A property that is ignored, in ``lines`` lines, first in line ``first``: its ``value`` does not fit its declared type, or
    the vocabulary does not know it but has a similar name (``meant``). ``event`` is empty for attributes of customers."""

    event: str
    name: str
    lines: int
    first: int
    value: str
    meant: str | None = None


class Recording:
    """A file that was read whole. Use it in a ``with`` statement, since it keeps temporary files.

    ``first`` and ``last`` are the instants of its first and last event. ``lines`` counts the lines that were read, ``bad``
    those that could not be; ``problems`` are the errors of the first bad ones. ``unordered`` counts lines that were out of
    order in time, ``undeclared`` the events that the vocabulary does not know, by name. ``unread`` are ignored properties.
    """

    def __init__(self, file: Path, vocabulary: Vocabulary, *, strict: bool = False, progress: Progress | None = None) -> None:
        """Read the file.

        Raises ``NotFound``, and ``InvalidInput`` at the first bad line with ``strict``, else where every line is bad.
        """
        if not file.is_file():
            raise NotFound(f"there is no file {file}; name a file of events, .ndjson or .csv")
        self.file = file
        self.lines = self.bad = self.unordered = 0
        self.problems: list[str] = []
        self.undeclared: dict[str, int] = {}
        self.first: datetime | None = None
        self.last: datetime | None = None
        self._unread: dict[tuple[str, str], UnreadProperty] = {}
        self._near: dict[tuple[str, str], str | None] = {}
        self._cells = is_csv(file)
        self._vocabulary = vocabulary
        self._strict = strict
        self._known: dict[Identity, str] = {}
        self._things: list[tuple[datetime, int, str, dict[str, Any], str | None]] = []
        self._identities: dict[str, list[Identity]] = {}
        self._named: set[str] = set()
        self._merged: dict[str, str] = {}
        self._numbers = 0
        self._files = ExitStack()
        self._spool = self._new_file()
        try:
            self._read(progress or (lambda done, total: None))
            if not self.lines:
                why = f": {self.problems[0]}" if self.problems else ""
                raise InvalidInput(f"no line can be read{why}", where=str(file))
            self._names = self._roots()
            self.customers = len(set(self._names.values()))
            self._parts = self._split_by_customer()
        except BaseException:
            self._files.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._files.close()

    def _new_file(self) -> IO[bytes]:
        return self._files.enter_context(TemporaryFile())

    @property
    def unread(self) -> tuple[UnreadProperty, ...]:
        """The ignored properties, most lines first."""
        return tuple(sorted(self._unread.values(), key=lambda one: (-one.lines, one.first, one.name)))

    def people(self, start: datetime, end: datetime) -> Iterator[CrowdPerson]:
        """The customers, by their ids within each part. Events before ``start`` are their past; ``end`` is exclusive."""
        for part in self._parts:
            part.seek(0)
            by_customer: dict[str, list[tuple[datetime, int, str, dict[str, Any], str | None]]] = {}
            for raw in part:
                customer, at, number, name, properties, message_id = json.loads(raw)
                line = (datetime.fromisoformat(at), number, name, properties, message_id)
                by_customer.setdefault(self._names[customer], []).append(line)
            for customer in sorted(by_customer):
                lines = [*by_customer.pop(customer), *self._things]
                yield _person(customer, sorted(lines, key=lambda line: line[:2]), start, end)

    # Reading.

    def _read(self, progress: Progress) -> None:
        size = self.file.stat().st_size
        with self.file.open("rb") as raw:
            read = read_lines(raw, self.file, (_CUSTOMER, _EVENT, _TIME), lambda done: progress(done, size))
            numbered = self._read_lines(read)
            while batch := list(islice(numbered, _AT_ONCE)):
                resolution = resolve((line.user_ids for _, line in batch), self._known, self._named, self._new)
                self._known |= resolution.linked
                for identity, customer in resolution.linked.items():
                    self._identities.setdefault(customer, []).append(identity)
                for (number, line), belonging in zip(batch, resolution.belongings, strict=True):
                    if line.user_ids.user_id is not None:
                        self._named.add(belonging.customer)
                    if belonging.merges:
                        self._merged[belonging.merges] = belonging.customer
                        moved = self._identities.pop(belonging.merges, [])
                        self._known.update(dict.fromkeys(moved, belonging.customer))
                        self._identities.setdefault(belonging.customer, []).extend(moved)
                    record = (belonging.customer, line.at.isoformat(), number, line.name, line.properties, line.message_id)
                    self._spool.write(json.dumps(record).encode() + b"\n")
                    self._count(line.at)
        progress(size, size)

    def _read_lines(self, raws: Iterable[NumberedLine]) -> Iterator[tuple[int, RecordedLine]]:
        """The lines that can be read, with their numbers; the errors of the others are noted."""
        for number, raw in raws:
            try:
                if isinstance(raw, InvalidInput):
                    raise raw
                line = read_line(_row(raw) if self._cells else raw, self._vocabulary.about)
                if (
                    line.name
                    and line.name not in ABOUT_MESSAGES
                    and (reasons := self._vocabulary.refusals(line.name, line.properties))
                ):
                    raise InvalidInput("; ".join(reasons))
            except InvalidInput as error:
                problem = f"line {number}: {error}"
                if self._strict:
                    raise InvalidInput(problem, where=str(self.file)) from None
                self.bad += 1
                if len(self.problems) < _SHOWN:
                    self.problems.append(problem)
                continue
            if line.name and line.name not in self._vocabulary.events:
                self.undeclared[line.name] = self.undeclared.get(line.name, 0) + 1
            self._note_unread(number, line)
            if line.user_ids == NOBODY:
                self._things.append((line.at, number, line.name, dict(line.properties), line.message_id))
                self._count(line.at)
                continue
            yield number, line

    def _note_unread(self, number: int, line: RecordedLine) -> None:
        declared = self._vocabulary.events.get(line.name) if line.name else self._vocabulary.customer
        if not declared:
            return
        for name, raw in line.properties.items():
            if raw is None or raw == "":
                continue
            attribute, meant = declared.get(name), None
            if attribute is None:
                if (line.name, name) not in self._near:
                    self._near[line.name, name] = nearest(name, declared)
                meant = self._near[line.name, name]
                if meant is None or meant in line.properties:
                    continue
            elif read(attribute.type, raw, siblings={}, currency=self._vocabulary.currency) is not None:
                continue
            before = self._unread.get(
                (line.name, name), UnreadProperty(line.name, name, 0, number, str(raw)[:_LONGEST_VALUE], meant)
            )
            self._unread[line.name, name] = before._replace(lines=before.lines + 1)

    def _count(self, at: datetime) -> None:
        self.lines += 1
        self.first = min(self.first or at, at)
        self.unordered += self.last is not None and at < self.last
        self.last = max(self.last or at, at)

    def _new(self) -> str:
        self._numbers += 1
        return str(self._numbers)

    def _roots(self) -> dict[str, str]:
        """The name of each customer at the end of the file: a user id, or else an anonymous id."""
        names: dict[str, str] = {}
        for identity, customer in sorted(self._known.items(), key=lambda known: known[0], reverse=True):
            names.setdefault(customer, identity.value)
        for merged in self._merged:
            root = merged
            while root in self._merged:
                root = self._merged[root]
            names[merged] = names[root]
        return names

    def _split_by_customer(self) -> list[IO[bytes]]:
        """The lines in parts that fit into memory; all lines of a customer are in one part."""
        count = self._spool.tell() // _PART + 1
        if count == 1:
            return [self._spool]
        parts = [self._new_file() for _ in range(count)]
        self._spool.seek(0)
        for raw in self._spool:
            customer = self._names[json.loads(raw[: raw.index(b",")] + b"]")[0]]
            parts[zlib.crc32(customer.encode()) % count].write(raw)
        return parts


NOBODY = UserIds()


def read_line(raw: Mapping[str, Any], about: Container[str] = ()) -> RecordedLine:
    """Read one line of either shape. Events in ``about`` are about a thing, and name no customer. Raises ``InvalidInput``."""
    at = next((moment for name in _TIMES if (moment := read_moment(raw.get(name) or None, name)) is not None), None)
    if at is None:
        raise InvalidInput("doesn't say when it happened: time is missing")
    event = raw.get(_EVENT)
    if isinstance(event, str) and event in about and not any(raw.get(name) for name in (_CUSTOMER, "userId", "anonymousId")):
        return RecordedLine(NOBODY, at, event, read_object(raw.get(_PROPERTIES), _PROPERTIES))
    if _CUSTOMER in raw:
        customer = read_identifier(raw[_CUSTOMER], _CUSTOMER)
        if event in (None, "", _IDENTIFY):
            if event != _IDENTIFY and "traits" not in raw:
                raise InvalidInput("is missing; the event needs a name", where=_EVENT)
            traits = raw["traits"] if "traits" in raw else raw.get(_PROPERTIES)
            return RecordedLine(UserIds(customer), at, "", _attributes(read_object(traits, "traits")))
        raw = {"type": "track", "userId": customer, _EVENT: event, _PROPERTIES: raw.get(_PROPERTIES)}
    elif "type" not in raw and _EVENT in raw:
        raw = {**raw, "type": "track"}
    message_id = raw.get("messageId")
    plain = {name: value for name, value in raw.items() if name not in ("sentAt", "messageId", *_TIMES)}
    message = read_message(plain, where="", received_at=at, largest=LARGEST_MESSAGE)
    properties = _attributes(message.properties) if message.kind == "identify" else message.properties
    user_ids = UserIds(message.user_id, message.anonymous_id, message.previous_id)
    return RecordedLine(user_ids, at, message.name, properties, message_id if isinstance(message_id, str) else None)


def _attributes(traits: Mapping[str, Any]) -> dict[str, Any]:
    return {attribute_name(name): value for name, value in traits.items()}


def _row(cells: dict[str, str]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    if said := cells.pop(_PROPERTIES, ""):
        try:
            properties = read_object(json.loads(said), _PROPERTIES)
        except ValueError:
            raise InvalidInput("is not JSON", where=_PROPERTIES) from None
    row = {name: cells.pop(name) for name in (_CUSTOMER, _EVENT, _TIME)}
    for name, cell in cells.items():
        if cell:  # an empty cell is a missing property
            properties[name] = _cell(cell)
    return {**row, _PROPERTIES: properties}


def _cell(cell: str) -> Any:
    if cell[0] in "[{":
        try:
            return json.loads(cell)
        except ValueError:
            pass
    return cell


def _person(
    customer: str, lines: list[tuple[datetime, int, str, dict[str, Any], str | None]], start: datetime, end: datetime
) -> CrowdPerson:
    past, life, ids = list[Happening](), list[Happening](), set[str]()
    for at, _, name, properties, message_id in lines:
        if message_id is not None:
            if message_id in ids:
                continue  # sent twice: the first counts
            ids.add(message_id)
        if at >= end:
            break
        step = properties.get("step") if name in ABOUT_MESSAGES else None
        happening = Happening(at, name, properties, step if isinstance(step, str) else None, seen=name in _ON_THE_SITE)
        (past if at < start else life).append(happening)
    return CrowdPerson(customer, past=past, life=life)
