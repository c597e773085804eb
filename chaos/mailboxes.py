"""Mailboxes that kill workers: right before or after a mailbox confirms a mail, it kills the worker that sent it.

python -m chaos.mailboxes --dir mails --orders orders 2525 2526

Each worker has a port of its own, in the order of their numbers, and a folder under ``mails`` named by the port. An order
is a file in ``orders`` with ``before PID PID …`` or ``after PID PID …``, the workers' pids; each serves for one mail. With
``--moods SHARE``, that share of the other mails is not simply taken. Every call is noted first, in ``calls.ndjson``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

from idic.dev.mailbox import Mailbox, SmtpAnswer, Stage

_KEPT = "250 2.0.0 kept"


CALLS = "calls.ndjson"
_HANGS = 4.0
"""Seconds; longer than the sender's time-out."""


class Call(NamedTuple):
    """One line of that file: somebody began to hand over a message. ``at`` is this machine's monotonic clock, which all its
    processes share."""

    at: float
    to: str
    touch: str = ""


def read_calls(file: Path) -> Iterator[Call]:
    """The calls noted in the file, in order."""
    if file.exists():
        for line in file.read_text().splitlines():
            yield Call(**json.loads(line))


def note_call(file: Path, to: str, at: float, touch: str = "") -> None:
    """``touch`` where it is known before the message is taken."""
    with file.open("a") as calls:
        calls.write(json.dumps(Call(at, to, touch)._asdict()) + "\n")


_MOODS: tuple[tuple[float, Stage, SmtpAnswer], ...] = (
    (0.25, "dot", SmtpAnswer(keep=True, drop=True)),
    (0.15, "dot", SmtpAnswer(keep=True, hang=_HANGS, drop=True)),
    (0.15, "rcpt", SmtpAnswer("451 4.7.1 later, please")),
    (0.15, "dot", SmtpAnswer("451 4.3.0 later, please")),
    (0.15, "data", SmtpAnswer(drop=True)),
    (0.10, "dot", SmtpAnswer("554 5.7.1 not this one")),
    (0.05, "rcpt", SmtpAnswer("550 5.1.1 no such mailbox")),
)
"""Of all moods, how frequent each is. Three parts in ten of them take the mail and leave the sender in doubt."""


class KillingMailbox:
    """A behaviour of the mailbox of the worker with this ``number``."""

    def __init__(self, orders: Path, number: int, calls: Path, moods: float) -> None:
        self._orders = orders
        self._number = number
        self._calls = calls
        self._moods = moods
        self._rng = Random(number)

    def __call__(self, stage: Stage, recipient: str) -> SmtpAnswer | None:
        if stage == "rcpt":
            note_call(self._calls, recipient, time.monotonic())
        order = next_order(self._orders) if stage == "dot" else None
        if order is None:
            return self._mood(stage)
        # The mail is stored while we return; earlier, the answer would come half a second later and reach nobody.
        hang = 0.5 if carry_out(order, self._number) == "before" else 0.0
        return SmtpAnswer(_KEPT, keep=True, hang=hang)

    def _mood(self, stage: Stage) -> SmtpAnswer | None:
        if self._rng.random() >= self._moods:
            return None
        mood = self._rng.random()
        for share, at, answer in _MOODS:
            if mood < share:
                return answer if at == stage else None
            mood -= share
        return None


def next_order(orders: Path) -> Path | None:
    """The oldest order that is not carried out yet."""
    return next(iter(sorted(orders.glob("*.order"))), None)


def carry_out(order: Path, number: int) -> str:
    """Kill the worker with this number as ordered: ``before`` or ``after`` it gets the next answer. Returns which."""
    when, *pids = order.read_text().split()
    pid = int(pids[number])
    order.rename(order.with_suffix(".done"))
    loop = asyncio.get_running_loop()
    if when == "before":
        loop.call_later(0.05, _kill, pid)
    else:
        # Writing and answering happen without a pause; the loop gets here after both.
        loop.call_soon(_kill, pid)
    return when


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


async def _serve(folder: Path, orders: Path, ports: list[int], moods: float) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with contextlib.AsyncExitStack() as mailboxes:
        for number, port in enumerate(ports):
            kept = folder / str(port)
            kept.mkdir(parents=True, exist_ok=True)
            mailbox = Mailbox(kept, port=port, behaviour=KillingMailbox(orders, number, kept / CALLS, moods))
            await mailboxes.enter_async_context(mailbox)
        await stop.wait()


def main() -> None:
    """Read the arguments and serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--orders", type=Path, required=True)
    parser.add_argument("ports", type=int, nargs="+")
    parser.add_argument("--moods", type=float, default=0)
    options = parser.parse_args()
    asyncio.run(_serve(options.dir, options.orders, options.ports, options.moods))


if __name__ == "__main__":
    main()
