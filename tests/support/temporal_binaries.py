"""Find Temporal's binaries in the installed wheels: nothing is downloaded."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from idic.dev.local_stack import FAIR


def binary(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} is not installed in this environment")
    return found


TEMPORAL = binary("temporal")
SERVER_FLAGS = list(FAIR)
"""What Temporal's server is started with, in the tests as by `idic dev`."""
TEST_SERVER = binary("temporal-test-server")
