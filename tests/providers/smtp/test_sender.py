"""What the channel says became of a mail, in a real conversation with a server that behaves well, badly, or not at all."""

from __future__ import annotations

import asyncio

import pytest

from idic.dev.mailbox import NamedBehaviours, SmtpAnswer, Stage
from idic.interact.channels.contract import Accepted, Later, Refused, Unsure
from idic.providers.smtp.sender import SmtpLimits
from tests.providers.conftest import QUICK, OpenChannel, OpenMailbox, letter
from tests.providers.smtp.scripted_smtp import Line, scripted

HUGE = "x" * 15_000_000
"""More than the buffers of two sockets hold, so that writing it takes as long as the server likes."""


async def test_a_mail_that_the_server_takes_is_accepted_once(open_mailbox: OpenMailbox, open_channel: OpenChannel) -> None:
    mailbox = await open_mailbox()
    outcome = await open_channel(mailbox.url).send(letter("t1"))
    assert outcome == Accepted("<t1@shop.example>")
    [accept] = mailbox.accepts()
    assert (accept.message_id, accept.touch, accept.to) == ("<t1@shop.example>", "t1", ["anna@example.com"])


async def test_a_mailbox_that_does_not_exist_is_a_refusal(open_mailbox: OpenMailbox, open_channel: OpenChannel) -> None:
    mailbox = await open_mailbox(NamedBehaviours(["refuse-rcpt"]))
    outcome = await open_channel(mailbox.url).send(letter())
    assert outcome == Refused("no_such_mailbox", "550 5.1.1 no such mailbox")
    assert mailbox.accepts() == []


async def test_what_a_server_says_in_another_encoding_or_at_length_can_be_stored(open_channel: OpenChannel) -> None:
    async def german(line: Line) -> None:
        await line.say("220 scripted")
        await line.hear()
        await line.say("250 scripted")
        await line.hear()
        line.writer.write("550-5.7.1 verd\u00e4chtig\0!\r\n".encode("latin-1"))
        await line.say("550 5.7.1 " + "x" * 450)
        await line.hear()

    async with scripted(german) as url:
        outcome = await open_channel(url).send(letter())
    assert isinstance(outcome, Refused)
    assert outcome.detail.startswith("550 5.7.1 verd?chtig !")
    assert outcome.detail.encode().isascii()
    assert len(outcome.detail) <= 500


async def test_greylisting_is_for_later_and_then_passes(open_mailbox: OpenMailbox, open_channel: OpenChannel) -> None:
    mailbox = await open_mailbox(NamedBehaviours(["greylist:2"]))
    channel = open_channel(mailbox.url)
    outcomes = [await channel.send(letter()) for _ in range(3)]
    assert [type(outcome) for outcome in outcomes] == [Later, Later, Accepted]
    assert outcomes[0] == Later("smtp_451", "451 4.7.1 greylisted, try again later")
    assert len(mailbox.accepts()) == 1


@pytest.mark.parametrize(("behaviour", "kind"), [("refuse-dot", Refused), ("later-dot", Later)])
async def test_an_answer_to_the_dot_is_certain(
    behaviour: str, kind: type, open_mailbox: OpenMailbox, open_channel: OpenChannel
) -> None:
    mailbox = await open_mailbox(NamedBehaviours([behaviour]))
    assert isinstance(await open_channel(mailbox.url).send(letter()), kind)
    assert mailbox.accepts() == []


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [("drop-after-dot", "smtp_connection_lost_after_dot"), ("hang-after-dot", "smtp_timeout_after_dot")],
)
async def test_silence_after_the_dot_leaves_us_unsure_and_the_mail_may_be_there(
    behaviour: str, code: str, open_mailbox: OpenMailbox, open_channel: OpenChannel
) -> None:
    mailbox = await open_mailbox(NamedBehaviours([behaviour]))
    outcome = await open_channel(mailbox.url).send(letter())
    assert isinstance(outcome, Unsure)
    assert outcome.code == code
    assert len(mailbox.accepts()) == 1


@pytest.mark.parametrize("behaviour", ["drop-before-dot", "hang-rcpt"])
async def test_what_breaks_before_the_dot_was_certainly_not_sent(
    behaviour: str, open_mailbox: OpenMailbox, open_channel: OpenChannel
) -> None:
    mailbox = await open_mailbox(NamedBehaviours([behaviour]))
    assert isinstance(await open_channel(mailbox.url).send(letter()), Later)
    assert mailbox.accepts() == []


async def test_no_server_is_for_later(open_channel: OpenChannel, closed_port: int) -> None:
    outcome = await open_channel(f"smtp://127.0.0.1:{closed_port}").send(letter())
    assert isinstance(outcome, Later)
    assert outcome.code == "smtp_unreachable"


async def test_a_server_that_never_greets_is_for_later(open_channel: OpenChannel) -> None:
    async def silent(line: Line) -> None:
        await asyncio.sleep(60)

    async with scripted(silent) as url:
        assert await open_channel(url).send(letter()) == Later("smtp_timeout", _any, down=True)


async def test_a_server_that_will_not_have_us_is_for_later_because_the_mail_is_not_at_fault(
    open_channel: OpenChannel,
) -> None:
    async def unfriendly(line: Line) -> None:
        await line.say("554 no service for you")
        await line.hear()

    async with scripted(unfriendly) as url:
        assert await open_channel(url).send(letter()) == Later("smtp_554_on_connect", _any, down=True)


async def test_a_time_out_while_the_message_is_written_is_certain(open_channel: OpenChannel) -> None:
    async def deaf(line: Line) -> None:
        await line.until_data()
        line.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(60)

    async with scripted(deaf) as url:
        channel = open_channel(url, SmtpLimits(command=5, answer=0.3, total=20))
        assert await channel.send(letter(text=HUGE)) == Later("smtp_timeout", _any)


async def test_a_reset_while_the_message_is_written_is_certain(open_channel: OpenChannel) -> None:
    async def rude(line: Line) -> None:
        await line.until_data()
        await line.reader.read(1000)
        line.reset()

    async with scripted(rude) as url:
        channel = open_channel(url, SmtpLimits(command=5, answer=20, total=30))
        assert await channel.send(letter(text=HUGE)) == Later("smtp_connection_lost", _any)


async def test_nonsense_after_the_dot_leaves_us_unsure(open_channel: OpenChannel) -> None:
    async def babbling(line: Line) -> None:
        await line.until_data()
        await line.message()
        await line.say("splendid!")
        await line.hear()

    async with scripted(babbling) as url:
        assert isinstance(await open_channel(url).send(letter()), Unsure)


async def test_421_after_the_dot_is_a_refusal_and_the_connection_is_not_used_again(open_channel: OpenChannel) -> None:
    async def leaving(line: Line) -> None:
        await line.until_data()
        await line.message()
        await line.say("421 closing")
        await line.hear()

    async with scripted(leaving) as url:
        channel = open_channel(url)
        assert await channel.send(letter()) == Later("smtp_421", "421 closing", down=True)
        assert await channel.send(letter()) == Later("smtp_421", "421 closing", down=True)


async def test_a_wrong_password_is_the_operators_to_mend_and_says_so(
    open_mailbox: OpenMailbox, open_channel: OpenChannel
) -> None:
    mailbox = await open_mailbox(login=("idic", "secret"))
    assert await open_channel(mailbox.url.replace("secret", "guess")).send(letter()) == Later(
        "smtp_login_refused", _any, down=True
    )
    assert await open_channel(mailbox.url.replace("idic:secret@", "")).send(letter()) == Later(
        "smtp_login_refused", _any, down=True
    )
    assert isinstance(await open_channel(mailbox.url).send(letter()), Accepted)


async def test_the_whole_of_a_sending_has_an_end(open_channel: OpenChannel) -> None:
    async def dawdling(line: Line) -> None:
        await line.say("220 scripted")
        while await line.hear():
            await asyncio.sleep(0.2)
            await line.say("250 ok")

    async with scripted(dawdling) as url:
        channel = open_channel(url, QUICK._replace(total=0.5))
        assert await channel.send(letter()) == Later("smtp_timeout", _any)


async def test_mails_share_a_connection_and_outlive_its_end(open_channel: OpenChannel) -> None:
    connections = []

    async def good_for(messages: int, line: Line) -> None:
        connections.append(line)
        await line.say("220 scripted")
        await line.hear()
        await line.say("250 scripted")
        for _ in range(messages):
            for answer in ("250 ok", "250 ok", "354 go on"):
                await line.hear()
                await line.say(answer)
            await line.message()
            await line.say("250 taken")

    async with scripted(lambda line: good_for(2, line)) as url:
        channel = open_channel(url)
        outcomes = [await channel.send(letter(f"t{number}")) for number in range(5)]
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 5
    assert len(connections) == 3


async def test_after_a_refusal_the_connection_serves_the_next_mail(
    open_mailbox: OpenMailbox, open_channel: OpenChannel
) -> None:
    def picky(stage: Stage, recipient: str) -> SmtpAnswer | None:
        return SmtpAnswer("550 unknown") if stage == "rcpt" and recipient.startswith("nobody") else None

    mailbox = await open_mailbox(picky)
    channel = open_channel(mailbox.url)
    assert isinstance(await channel.send(letter("t1", to="nobody@example.com")), Refused)
    assert isinstance(await channel.send(letter("t2")), Accepted)
    assert [accept.to for accept in mailbox.accepts()] == [["anna@example.com"]]


async def test_many_at_once_each_arrive_once(open_mailbox: OpenMailbox, open_channel: OpenChannel) -> None:
    mailbox = await open_mailbox()
    channel = open_channel(mailbox.url, SmtpLimits(connections=8))
    outcomes = await asyncio.gather(*(channel.send(letter(f"t{number}")) for number in range(60)))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert sorted(accept.touch for accept in mailbox.accepts()) == sorted(f"t{number}" for number in range(60))


async def test_a_sending_that_is_cancelled_sends_nothing_more(open_mailbox: OpenMailbox, open_channel: OpenChannel) -> None:
    mailbox = await open_mailbox(NamedBehaviours(["hang-rcpt"]))
    sending = asyncio.create_task(open_channel(mailbox.url, SmtpLimits()).send(letter()))
    await asyncio.sleep(0.1)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert mailbox.accepts() == []


class _Anything:
    def __eq__(self, other: object) -> bool:
        return isinstance(other, str)

    def __hash__(self) -> int:
        return 0


_any: str = _Anything()  # type: ignore[assignment]
