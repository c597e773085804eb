"""`idic preview`: a message as a customer would get it, and what it says when it cannot."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from idic.cli import app
from idic.cli.run.preview import (
    Assuming,
    Customer,
    channels_of,
    everybody,
    find_customer,
    find_program,
    render,
    stranger,
    whose,
)
from idic.dev.mailbox import Mailbox, read_mail
from idic.errors import IdicError, NotFound
from idic.journey.engine.state import Event, State
from idic.journey.program.program import Program
from idic.store.database import Store, Tx
from idic.store.enrollment import enrollments
from idic.store.enrollment.enrollments import Enrollment
from idic.store.journey import programs
from idic.store.tables import customers, identities
from tests.conftest import START

ROOT = Path(__file__).parents[2]
JOURNEYS = ROOT / "journeys"


@pytest.fixture(scope="module")
def cart() -> Program:
    return find_program(JOURNEYS, "abandoned_cart", "cart_reminder")


def seen(program: Program, message: str, channel: str, customer: Customer) -> tuple[str, dict[str, object]]:
    scope = Assuming(program, message, customer, START)
    shown = render(program, message, channel, scope, customer, "http://idic", "http://idic")
    return f"{shown.subject} {shown.html} {shown.text}", scope.assumed


def test_somebody_made_up_and_nobody_on_every_channel(cart: Program) -> None:
    somebody, nobody = stranger("somebody"), stranger("nobody")
    assert somebody
    assert nobody
    assert channels_of(cart, "cart_reminder", None) == ("email", "sms", "web")
    for channel in ("email", "sms", "web"):
        for whom in (somebody, nobody):
            text, assumed = seen(cart, "cart_reminder", channel, whom)
            assert len(text) > 50
            assert "/l/" not in text  # its links tell nobody
            assert ("customer.first_name" in assumed) == (whom is somebody)
    text, assumed = seen(cart, "cart_reminder", "email", nobody)
    assert "Still thinking it over, there?" in text
    assert "cart.total" in assumed


async def test_a_customer_s_own_values_and_those_of_their_latest_enrollment(store: Store, cart: Program) -> None:
    async def anna(tx: Tx) -> None:
        now = tx.now()
        traits = {"first_name": "Anna", "email": "Anna@example.com", "zone": "Europe/Berlin"}
        await tx.execute(insert(customers).values(id="a" * 32, traits=traits, created_at=now, updated_at=now))
        await tx.execute(insert(identities).values(kind="user_id", value="u1", customer_id="a" * 32, created_at=now))

    await store.move("test", anna)
    found = await find_customer(store, "anna@example.com", cart)
    text, assumed = seen(cart, "cart_reminder", "email", found)
    assert "Still thinking it over, Anna?" in text
    assert {"cart.total", "cart.items"} <= set(assumed)

    async def enters(tx: Tx) -> None:
        bought = Event(
            number=1, name="Cart Updated", properties={"cart_id": "c-7", "total": 95, "items": []}, accepted_at=START
        )
        state = State(
            enrollment="e" * 32, customer="a" * 32, entered_at=START, entry=bought, key="c-7", segment="vip", reached=START,
            consumed=(START, 1), seen=(START, 1), captured={"cart": bought},
        )  # fmt: skip
        await programs.publish(tx, cart, START)
        await enrollments.create(tx, Enrollment("e" * 32, "a" * 32, "abandoned_cart", cart.id, "c-7", 1, state))

    await store.move("test", enters)
    for who in ("u1", "a" * 32):
        text, assumed = seen(cart, "cart_reminder", "email", await find_customer(store, who, cart))
        assert "95" in text
        assert "cart/c-7" in text
        assert assumed == {}
    with pytest.raises(NotFound, match=r'did you mean "Anna@example\.com"'):
        await find_customer(store, "ana@example.com", cart)


def idic(*arguments: str, **env: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "idic", "preview", *arguments, "--journeys", str(JOURNEYS)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **env})
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("welcom", "welcome"), 'there is no journey "welcom" in'),
        (("welcome", "welcom"), 'sends no message "welcom"; did you mean "welcome"?'),
        (("welcome", "welcome", "--channel", "sms"), 'the message "welcome" has no content for sms; it has email'),
        (("welcome", "welcome", "--to", "+4915112345678"), "the message has no content for sms"),
        (("abandoned_cart", "cart_reminder", "--to", "+4915112345678"), "no SMS provider is set"),
    ],
)
def test_what_is_wrong_says_what_to_try(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    ended = CliRunner().invoke(app, ["preview", *arguments, "--journeys", str(JOURNEYS), "--out", str(tmp_path)])
    assert isinstance(ended.exception, IdicError)
    assert said in str(ended.exception)


async def test_one_test_leaves_and_is_marked(tmp_path: Path) -> None:
    async with Mailbox(tmp_path / "mails") as mailbox:
        arguments = ("welcome", "welcome", "--as", "nobody", "--to", "me@example.com", "--out", str(tmp_path / "out"))
        url = f"smtp://127.0.0.1:{mailbox.port}"
        code, said, heard = await asyncio.to_thread(idic, *arguments, IDIC_SMTP_URL=url, PATH=str(tmp_path))
    assert code == 0, heard
    assert "no picture, because Chromium and Chrome are not installed" in said
    assert f"sending one test to me@example.com, by 127.0.0.1:{mailbox.port}" in said
    (mail,) = [read_mail(path) for path in (tmp_path / "mails").glob("*.eml")]
    assert str(mail["Subject"]).startswith("[Test] Welcome")
    assert "List-Unsubscribe" not in mail
    assert (tmp_path / "out" / "welcome-welcome.email.html").read_text().startswith("<!DOCTYPE html")


def test_where_there_is_no_store_it_says_where_customers_could_be_and_makes_none(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "idic", "preview", "abandoned_cart", "cart_reminder", "--as", "anna@example.com"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("IDIC_")}
    told = subprocess.run(
        [*command, "--journeys", str(JOURNEYS)], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert told.returncode == 1
    assert "--data .idic/dev" in told.stderr
    assert list(tmp_path.iterdir()) == []


def test_as_a_segment_or_a_language_that_is_not_there_reads_nothing(tmp_path: Path, cart: Program) -> None:
    assert str(whose(cart, "newcomer", "de-AT")) == "for newcomer in de-AT"
    for arguments, said in (
        (("--segment", "newcomr"), 'abandoned_cart has no segment "newcomr"; did you mean "newcomer"?'),
        (("--language", "ja"), '"ja" is none of the languages of vocabulary.yaml; there are en and de'),
        (("--variants", "--language", "de"), "shows all variants together"),
    ):
        ended = CliRunner().invoke(
            app, ["preview", "abandoned_cart", "cart_reminder", *arguments, "--journeys", str(JOURNEYS), "--out", str(tmp_path)]
        )
        assert said in str(ended.exception)


def test_a_message_as_somebody_of_another_segment_and_language_reads_it(tmp_path: Path) -> None:
    message = ("abandoned_cart", "cart_reminder", "--out", str(tmp_path))
    code, said, heard = idic(*message, "--segment", "newcomer", "--language", "de", PATH=str(tmp_path))
    assert code == 0, heard
    assert "as for newcomer in de" in said
    assert "subject: Dein erster Warenkorb wartet" in said
    page = tmp_path / "abandoned_cart-cart_reminder-newcomer-de.email.html"
    assert '<html lang="de"' in page.read_text()


def test_all_variants_of_a_message_stand_on_one_page(tmp_path: Path, cart: Program) -> None:
    assert [str(one) for one in everybody(cart, "cart_reminder", "sms")] == ["in en", "in de"]
    mails = ["in en", "for newcomer in en", "in de", "for newcomer in de"]
    assert [str(one) for one in everybody(cart, "cart_reminder", "email")] == mails
    code, said, heard = idic("abandoned_cart", "cart_reminder", "--variants", "--out", str(tmp_path), PATH=str(tmp_path))
    assert code == 0, heard
    page = (tmp_path / "abandoned_cart-cart_reminder.variants.html").read_text()
    assert all(f"<h3>{mail}</h3>" in page for mail in mails)
    assert page.count("<iframe") == 6  # and two banners
    assert "abandoned_cart-cart_reminder.variants.html" in said
