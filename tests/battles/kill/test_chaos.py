"""The chaos in short: `make chaos` with few customers, and what it says last."""

from __future__ import annotations

import asyncio
import json
import sys

from chaos.audit import Totals


async def test_the_accounts_agree_after_a_little_chaos(seed: int) -> None:
    wanted = ("--customers", "50", "--seconds", "24", "--days", "2.5", "--seed", str(seed))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chaos", *wanted), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        said = (await process.communicate())[0].decode()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    totals = Totals(**json.loads(said.splitlines()[-1]))
    assert process.returncode == 0, said
    assert totals.good, said
    assert totals.kills > 3
    assert totals.events_in > 200
    assert totals.provider_accepts > 20, said
