"""The mailbox keeps and counts before it answers, misbehaves on request, and runs as a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from idic.dev.mailbox import Mailbox, NamedBehaviours, main, read_accepts, read_mail
from idic.interact.channels.contract import Accepted, Unsure
from tests.providers.conftest import OpenChannel, OpenMailbox, letter


async def test_each_mail_is_a_file_and_a_line(open_mailbox: OpenMailbox, open_channel: OpenChannel) -> None:
    mailbox = await open_mailbox()
    channel = open_channel(mailbox.url)
    for number in range(3):
        await channel.send(letter(f"t{number}", subject=f"Nr. {number} für Äda"))
    assert [accept.file for accept in mailbox.accepts()] == ["00000001.eml", "00000002.eml", "00000003.eml"]
    assert [mail["subject"] for mail in mailbox.mails()] == [f"Nr. {number} für Äda" for number in range(3)]


async def test_a_reopened_mailbox_continues_counting(tmp_path: Path, open_channel: OpenChannel) -> None:
    for number in (1, 2):
        async with Mailbox(tmp_path) as mailbox:
            await open_channel(mailbox.url).send(letter(f"t{number}"))
    assert [accept.touch for accept in read_accepts(tmp_path)] == ["t1", "t2"]
    assert read_mail(tmp_path / "00000002.eml")["x-idic-touch"] == "t2"


async def test_a_share_of_lines_drops_by_seed_and_every_mail_is_there_once(
    open_mailbox: OpenMailbox, open_channel: OpenChannel
) -> None:
    mailbox = await open_mailbox(NamedBehaviours(["drop-after-dot:0.3"], seed=7))
    channel = open_channel(mailbox.url)
    outcomes = [await channel.send(letter(f"t{number}")) for number in range(40)]
    kinds = {type(outcome) for outcome in outcomes}
    assert kinds == {Accepted, Unsure}
    assert sorted(accept.touch for accept in mailbox.accepts()) == sorted(f"t{number}" for number in range(40))


def test_an_unknown_behaviour_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["--dir", str(tmp_path), "--behaviour", "dance"])
    assert 'there is no behaviour "dance"' in capsys.readouterr().err


async def test_as_a_process_it_says_where_it_listens_and_survives_being_killed(
    tmp_path: Path, open_channel: OpenChannel
) -> None:
    for ending in (signal.SIGKILL, signal.SIGTERM):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "idic.dev.mailbox", "--port", "0", "--dir", str(tmp_path), "--behaviour", "slow:0.01"),
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONWARNINGS": "error"},
        )
        assert process.stdout is not None
        url = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()
        assert isinstance(await open_channel(url).send(letter(ending.name)), Accepted)
        process.send_signal(ending)
        assert await process.wait() == (0 if ending == signal.SIGTERM else -ending)
    assert [accept.touch for accept in read_accepts(tmp_path)] == ["SIGKILL", "SIGTERM"]
