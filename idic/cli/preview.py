"""``idic preview``: see a message as a customer would get it, and send a test."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from idic.cli.run.data_folder import at_home
from idic.clock import Clock
from idic.errors import InvalidInput, SettingsError
from idic.journey.channels import CHANNELS, EMAIL, SMS, is_placed
from idic.settings import Settings, load

if TYPE_CHECKING:
    from idic.cli.run.preview import Assuming, Customer, Preview, Whose
    from idic.interact.channels.contract import Outcome
    from idic.journey.program.program import Program

_MARK = "[Test] "
_MAILBOX = "smtp://127.0.0.1:8701"
"""idic dev's mailbox, unless another mail server is set."""
_LONGEST_VALUE = 70


def preview(
    journey: Annotated[str, typer.Argument(help="The journey's name")],
    message: Annotated[str, typer.Argument(help="The message's name under customize")],
    as_: Annotated[
        str,
        typer.Option("--as", help="A customer by email, user id, phone or id; or nobody, or somebody with all values known"),
    ] = "somebody",
    channel: Annotated[str | None, typer.Option(help="Only this channel: email, sms or web")] = None,
    segment: Annotated[str | None, typer.Option(help="The content for this segment")] = None,
    language: Annotated[str | None, typer.Option(help="The content in this language, such as de")] = None,
    variants: Annotated[
        bool, typer.Option("--variants", help="All segments and languages with content of their own, side by side on one page")
    ] = False,
    to: Annotated[str | None, typer.Option(help="Send a test message to this address or number")] = None,
    out: Annotated[Path, typer.Option(help="The folder for the files")] = Path("preview"),
    journeys: Annotated[Path, typer.Option(help="The folder with the journeys: your working copy")] = Path("journeys"),
    data: Annotated[
        Path | None, typer.Option(help="The folder of idic dev or idic demo with the customers, instead of IDIC_DATABASE_URL")
    ] = None,
) -> None:
    """Show a message as this customer would get it, from the files as they are now. Nothing is recorded.

    Writes an HTML file for email and web (and a picture, if Chromium is installed) and prints an SMS with its cost. For
    example `idic preview welcome welcome --as anna@example.com`, or `idic preview welcome welcome --variants` for all
    segments and languages.
    """
    from idic.cli.run import preview
    from idic.journey.definition.message_layers import language_fallbacks

    settings = load()
    data = data or at_home(settings)
    if data is not None and not (data / "idic.db").is_file():
        raise SettingsError(f"{data} is not a folder of idic dev: it contains no idic.db")
    program = preview.find_program(journeys, journey, message)
    chosen = preview.channels_of(program, message, channel)
    if to is not None:
        # First, so that an impossible test is reported at once.
        chosen = (_channel_for(to, chosen, channel),)
    if variants and (to or segment or language):
        raise InvalidInput(
            "--variants shows all variants together: leave out --segment, --language and --to", where="--variants"
        )
    asked = preview.whose(program, segment, language)

    async def run() -> None:
        customer, now = await _customer(as_, program, settings, data)
        title = f"{journey} › {message}, for {customer.title}"
        addresses = settings.public_url, settings.short_url or settings.public_url

        def read(channel: str, whose: Whose) -> tuple[Preview, Assuming]:
            scope = preview.Assuming(program, message, customer, now, whose.segment)
            return preview.render(program, message, channel, scope, customer, *addresses, whose.language), scope

        typer.secho(f"{title}, as {asked}" if str(asked) else title, bold=True)
        if variants:
            each = [(name, whose) for name in chosen for whose in preview.everybody(program, message, name)]
            _show_all(title, [(read(name, whose)[0], whose) for name, whose in each], out, f"{journey}-{message}")
            return
        shown = []
        assumed: dict[str, object] = {}
        for name in chosen:
            rendered, scope = read(name, asked)
            shown.append(rendered)
            assumed |= scope.assumed
        _say_assumed(assumed, customer)
        stem = "-".join(filter(None, (journey, message, segment, language)))
        for one in shown:
            if language is not None and one.language not in language_fallbacks(language):
                typer.secho(f"  there is no text in {language}: this is in {one.language}", fg=typer.colors.YELLOW)
            _show(one, out, stem)
        if to is not None:
            await _send(shown[0], to, settings, data, program.country)

    asyncio.run(run())


def _no_store(url: str) -> bool:
    return url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists()


async def _customer(who: str, program: Program, settings: Settings, data: Path | None) -> tuple[Customer, datetime]:
    """Read the customer, with the time of the clock in their store."""
    from idic.cli.run import preview
    from idic.store.open import running_store

    made_up = preview.stranger(who)
    if made_up is not None:
        return made_up, Clock().now()
    if data is not None:
        settings = settings.model_copy(update={"database_url": f"sqlite:///{(data / 'idic.db').resolve()}"})
    if _no_store(settings.database_url):
        raise SettingsError(
            "there is no store with customers here: give idic dev's folder with --data .idic/dev, set "
            "IDIC_DATABASE_URL, or take --as nobody"
        )
    async with running_store(settings) as store:
        return await preview.find_customer(store, who, program), store.clock.now()


def _say_assumed(assumed: Mapping[str, object], customer: Customer) -> None:
    if customer.facts is not None:
        if customer.state is None:
            typer.echo("  not in this journey yet")
        else:
            entered = f"{customer.state.entered_at:%Y-%m-%d %H:%M} UTC"
            typer.echo(f"  with the values of their enrollment of {entered}")
    for name, value in sorted(assumed.items()):
        typer.secho(f"  assumed: {name} = {str(value)[:_LONGEST_VALUE]}", fg=typer.colors.YELLOW)


def _show_all(title: str, shown: Sequence[tuple[Preview, Whose]], out: Path, stem: str) -> None:
    from idic.cli.run.preview_all import WIDTH, page_of

    for one, whose in shown:
        typer.echo(f"  {one.channel:<6} {whose}")
    page = _written(out, f"{stem}.variants.html", page_of(title, shown))
    _paint(page, WIDTH)


def _written(out: Path, name: str, content: str) -> Path:
    """Write the file. Raises ``InvalidInput``."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{out} cannot be written ({error.strerror}); choose another folder with --out") from None
    typer.echo(f"  {out / name}")
    return out / name


def _paint(page: Path, width: int) -> None:
    from idic.cli.run.screenshot import browser, screenshot

    chromium, picture = browser(), page.with_suffix(".png")
    if chromium is None:
        typer.echo("  no picture, because Chromium and Chrome are not installed; open the HTML file in a browser")
    elif screenshot(chromium, page.read_text(encoding="utf-8"), picture, width):
        typer.echo(f"  {picture}")
    else:
        typer.echo(f"  no picture, because {chromium} failed; open the HTML file in a browser")


def _show(one: Preview, out: Path, stem: str) -> None:
    typer.echo()
    if one.sent is not None:
        _show_sms(one.text, one.sent or one.text)
        return
    about = f"subject: {one.subject}" if one.subject is not None else f"slot: {one.slot}"
    typer.secho(f"{one.channel}  {about}", bold=True)
    if one.html is None:
        typer.echo("\n".join(f"  {line}" for line in one.text.splitlines()))
        return
    page = _written(out, f"{stem}.{one.channel}.html", one.html)
    if not is_placed(one.channel):
        _written(out, f"{stem}.{one.channel}.txt", one.text)
    _paint(page, CHANNELS[one.channel].preview_width)


def _show_sms(text: str, sent: str) -> None:
    """Show an SMS; ``sent`` is its text with short links, as it would be sent."""
    from idic.customize.sms_segments import avoidable_unicode, segments

    cost = segments(sent)
    parts = f"{cost.count} part{'' if cost.count == 1 else 's'}"
    with_links = " with short links" if sent != text else ""
    typer.secho(f"sms  {len(sent)} characters{with_links}, {parts}, {cost.encoding}", bold=True)
    typer.echo("\n".join(f"  {line}" for line in text.splitlines()))
    signs = avoidable_unicode(text)
    if signs:
        why = f"Unicode because of {' '.join(signs)}: a part then carries 70 characters instead of 160"
        typer.secho(f"  {why}", fg=typer.colors.YELLOW)


def _channel_for(to: str, there: tuple[str, ...], asked: str | None) -> str:
    """The channel for a test to this address. Raises ``InvalidInput``."""
    fits = EMAIL.name if "@" in to else SMS.name
    if is_placed(asked):
        raise InvalidInput("web content cannot be sent to an address; open the HTML file instead", where="--to")
    if asked not in (None, fits):
        raise InvalidInput(f"{to} is not an address for {asked}", where="--to")
    if fits not in there:
        raise InvalidInput(f"the message has no content for {fits}, which {to} needs", where="--to")
    return fits


async def _send(one: Preview, to: str, settings: Settings, data: Path | None, country: str | None) -> None:
    """Send a test with the provider that is set, without recording it. Raises ``SettingsError``, ``InvalidInput``."""
    from idic.interact.channels.contract import Accepted, Later, Unsure

    typer.echo()
    touch = f"test-{uuid.uuid4().hex}"
    if one.channel == EMAIL.name:
        outcome = await _send_mail(one, touch, to, settings, _MAILBOX if data is not None else None)
    else:
        outcome = await _send_sms(one, touch, to, settings, country)
    if isinstance(outcome, Accepted):
        typer.secho("sent", fg=typer.colors.GREEN)
        return
    certain = "perhaps sent; this cannot be determined" if isinstance(outcome, Unsure) else "not sent"
    check = ""
    if isinstance(outcome, Later) and outcome.code.startswith("smtp_"):
        check = f"; does idic dev run on {data}?" if data and settings.smtp_url is None else "; check IDIC_SMTP_URL"
    raise InvalidInput(f"{certain}: {getattr(outcome, 'detail', outcome)}{check}")


async def _send_mail(one: Preview, touch: str, to: str, settings: Settings, otherwise: str | None) -> Outcome:
    from pydantic import SecretStr

    from idic.interact.channels.contract import OutgoingEmail
    from idic.providers.registry import accounts, open_sender

    account = accounts(settings)[EMAIL.name][0]
    if account == "smtp" and settings.smtp_url is None:
        if otherwise is None:
            raise SettingsError("no mail server is set: set IDIC_SMTP_URL, for example to smtp://localhost:1025")
        settings = settings.model_copy(update={"smtp_url": SecretStr(otherwise)})
    mail = OutgoingEmail(
        touch=touch,
        to=to,
        sender=settings.email_from,
        reply_to=settings.email_reply_to,
        subject=f"{_MARK}{one.subject}",
        html=one.html,
        text=one.text,
    )
    provider = open_sender(account, settings)
    assert provider is not None
    by = account
    if account == "smtp" and settings.smtp_url:
        server = urlsplit(settings.smtp_url.get_secret_value())
        by = f"{server.hostname}{f':{server.port}' if server.port else ''}"
    typer.echo(f"sending one test to {to}, by {by}")
    try:
        return await provider.send(mail)
    finally:
        await provider.close()


async def _send_sms(one: Preview, touch: str, to: str, settings: Settings, country: str | None) -> Outcome:
    from idic.customize.sms_segments import segments
    from idic.identify.phones import PhoneInvalid, e164
    from idic.interact.channels.contract import OutgoingSms
    from idic.providers.registry import PROVIDERS, accounts, open_sender

    account = accounts(settings)[SMS.name][0]
    if PROVIDERS[account].in_store:
        raise SettingsError(
            "no SMS provider is set, so SMS stay in the outbox and none reaches a phone: set IDIC_TWILIO_ACCOUNT_SID, "
            "IDIC_TWILIO_AUTH_TOKEN and IDIC_SMS_FROM"
        )
    try:
        number = e164(to, country)
    except PhoneInvalid as problem:
        raise InvalidInput(f"{problem}: write it like +4915112345678", where="--to") from None
    text = f"{_MARK}{one.text}"
    provider, sender = open_sender(account, settings), PROVIDERS[account].sends_as(settings)
    assert provider is not None
    sms = OutgoingSms(touch=touch, to=number, sender=sender, text=text, segments=segments(text).count)
    typer.echo(f"sending one test to {number}, by {account}")
    try:
        return await provider.send(sms)
    finally:
        await provider.close()
