"""The `idic` command when something is wrong: one line that says what, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOBODY = "postgresql://idic:secret@127.0.0.1:1/idic"
"""No database listens here."""
SIGNED = {"IDIC_SIGNING_KEYS": "a key of our own to sign links with"}


def run(*command: str, **env: str) -> tuple[int, str]:
    """The exit code, and what was said to the person at the terminal."""
    ended = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=os.environ | env, stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )
    return ended.returncode, ended.stderr


def idic(*arguments: str, **env: str) -> tuple[int, str]:
    return run("-m", "idic", *arguments, **env)


@pytest.fixture
def migrated(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/idic.db"
    assert idic("migrate", IDIC_DATABASE_URL=url) == (0, "")
    return url


@pytest.mark.parametrize(
    ("arguments", "url", "said"),
    [
        (["publish", "nofolder"], "sqlite://", "there is no file nofolder; name a folder of journeys or a journey file"),
        (["migrate"], NOBODY, "the database does not answer (ConnectionRefusedError)"),
        (["migrate"], "sqlite:////nofolder/idic.db", "there is no folder /nofolder for the database's file"),
        (["migrate"], f"sqlite:///{__file__}", "the database's file cannot be used (file is not a database)"),
        (["publish"], "garbage", "IDIC_DATABASE_URL cannot be read; write sqlite:///file.db or postgresql://"),
        (["settings"], "garbage", "IDIC_DATABASE_URL cannot be read; write sqlite:///file.db or postgresql://"),
        (["router"], "postgresql://idic:secret@localhost:x/idic", "IDIC_DATABASE_URL cannot be read; write sqlite:///"),
        (["dev", "--data", "/dev/null/x"], "sqlite://", "/dev/null/x cannot be used (Not a directory); choose another"),
        (["demo", "--data", "/dev/null/x"], "sqlite://", "/dev/null/x cannot be used (Not a directory); choose another"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments: list[str], url: str, said: str) -> None:
    code, heard = idic(*arguments, IDIC_DATABASE_URL=url)
    assert (code, heard.count("\n")) == (1, 1), heard
    assert heard.startswith(f"idic: {said}")
    assert "secret" not in heard


def test_publishing_into_a_store_without_tables_says_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    code, said = idic("publish", IDIC_DATABASE_URL=f"sqlite:///{tmp_path}/empty.db")
    assert code == 1
    assert said == "idic: the store's tables are not those of this version: run `idic migrate`\n"


def test_a_certificate_that_is_not_there(migrated: str) -> None:
    code, said = idic("reconcile", IDIC_DATABASE_URL=migrated, IDIC_TEMPORAL_TLS_CERT="/nofile")
    assert code == 1
    assert said == "idic: /nofile cannot be read (No such file or directory): check IDIC_TEMPORAL_TLS_CERT, _KEY and _CA\n"


@pytest.mark.parametrize(
    "arguments",
    [["dev", "--port", "65535"], ["demo", "--temporal-port", "64536"], ["dev", "--port", "0"], ["api", "--port", "65536"]],
)
def test_every_port_that_is_used_exists(arguments: list[str]) -> None:
    code, said = idic(*arguments)
    assert code == 2
    assert arguments[1] in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("IDIC_SMTP_URL", "garbage", "the SMTP URL begins with smtp://, smtps:// or smtp+starttls:// and names a host"),
        ("IDIC_SMTP_URL", "smtp://user:secret@host:x", "the SMTP URL cannot be read; write smtp://user:password@host:port"),
        ("IDIC_SMTP_URL", "smtps://host?ca=/nofile", "the certificates in /nofile cannot be read"),
        ("IDIC_SMTP_TIMEOUT", "soon", "IDIC_SMTP_TIMEOUT: Input should be a valid number"),
        ("IDIC_EMAIL_FROM", "the shop", "IDIC_EMAIL_FROM is not an address: the part before @ is not one"),
        ("IDIC_EMAIL_REPLY_TO", "Shop <us@>", "IDIC_EMAIL_REPLY_TO is not an address: the address is too long or its domain"),
        ("IDIC_DATABASE_URL", "garbage", "IDIC_DATABASE_URL cannot be read"),
    ],
)
def test_a_worker_says_what_is_set_wrong(setting: str, value: str, said: str) -> None:
    code, heard = run("worker.py", **{**SIGNED, "IDIC_SMTP_URL": "smtp://localhost", setting: value})
    assert (code, heard.count("\n")) == (1, 1), heard
    assert heard.startswith(f"worker: {said}")
    assert "secret" not in heard
