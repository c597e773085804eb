"""Reserve ports that stay ours while the processes on them are killed and restarted."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

# Below the range of outgoing connections: such a connection must not occupy the port of a
# server that has just been killed.
_FIRST, _LAST = 20000, 30000


@contextlib.contextmanager
def reserved(count: int, *, beside: Sequence[int] = ()) -> Iterator[list[int]]:
    """Reserve ``count`` free ports that no other run of these tests gets, with the ports at the distances ``beside``."""
    folder = Path(tempfile.gettempdir()) / "idic-test-ports"
    folder.mkdir(exist_ok=True)
    with contextlib.ExitStack() as locks:
        ports: list[int] = []
        for port in Random().sample(range(_FIRST, _LAST), 500):
            with contextlib.ExitStack() as these:
                if all(_locked(folder / str(port + distance), these) and _free(port + distance) for distance in (0, *beside)):
                    locks.push(these.pop_all())
                    ports.append(port)
            if len(ports) == count:
                yield ports
                return
        raise RuntimeError("no free ports")


def _locked(file: Path, locks: contextlib.ExitStack) -> bool:
    lock = locks.enter_context(file.open("w"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
