"""The world outside: mailboxes with a grudge. As soon as one has taken a mail, and before or right after it said so, it
kills the worker whose mail it was.

    python -m chaos.sink --dir mails --orders orders 2525 2526

Each worker has a port of its own, in the order of their numbers, and a folder under ``mails`` by the port. An order is a
file in ``orders``, holding ``before PID PID …`` or ``after PID PID …`` with the workers' pids; each serves for one mail.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
from pathlib import Path

from idic.mailbox import Answer, Mailbox, Stage

_KEPT = "250 2.0.0 kept"


class Assassin:
    """A behaviour of the mailbox of the worker with this ``number``."""

    def __init__(self, orders: Path, number: int) -> None:
        self._orders = orders
        self._number = number

    def __call__(self, stage: Stage, recipient: str) -> Answer | None:
        order = next_order(self._orders) if stage == "dot" else None
        if order is None:
            return None
        # The mail is kept while we return; before, the answer would follow half a second later, to nobody.
        hang = 0.5 if carry_out(order, self._number) == "before" else 0.0
        return Answer(_KEPT, keep=True, hang=hang)


def next_order(orders: Path) -> Path | None:
    return next(iter(sorted(orders.glob("*.order"))), None)


def carry_out(order: Path, number: int) -> str:
    """Kill the worker with this number, as ordered: ``before`` or ``after`` it hears the answer that follows. Returns which."""
    when, *pids = order.read_text().split()
    pid = int(pids[number])
    order.rename(order.with_suffix(".done"))
    loop = asyncio.get_running_loop()
    if when == "before":
        loop.call_later(0.05, _kill, pid)
    else:
        # What is taken is written down and answered without a pause; the loop comes to this after both.
        loop.call_soon(_kill, pid)
    return when


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


async def _serve(folder: Path, orders: Path, ports: list[int]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with contextlib.AsyncExitStack() as mailboxes:
        for number, port in enumerate(ports):
            mailbox = Mailbox(folder / str(port), port=port, behaviour=Assassin(orders, number))
            await mailboxes.enter_async_context(mailbox)
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--orders", type=Path, required=True)
    parser.add_argument("ports", type=int, nargs="+")
    options = parser.parse_args()
    asyncio.run(_serve(options.dir, options.orders, options.ports))


if __name__ == "__main__":
    main()
