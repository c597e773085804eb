"""Tell machines from people among those who follow links and load pictures of a message.

Mail scanners follow every link before anybody sees it, privacy proxies load pictures when the mail arrives, messengers draw
previews. They are not the customer, so that they do not count; they are served like people, because a scanner that is turned
away warns of the message. Whatever is not known as a machine counts as a person: one click too many does less harm than a
click that is lost. A mere proxy of a person is not a machine: Gmail and Yahoo load pictures through proxies of their own
(GoogleImageProxy, YahooMailProxy) when somebody opens the mail.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal, NamedTuple

EngagementKind = Literal["opened", "clicked"]

TOO_SOON = timedelta(seconds=2)
"""Nobody reads a message and clicks in it so soon after it left (Mautic's ``BotRatioHelper`` uses the same 2 seconds). This
holds for clicks only: a mail program may load pictures at once while a person looks at it."""
SCANNED = timedelta(minutes=10)
"""How long after sending scanners follow the links of a message; see ``AT_ONCE``."""
AT_ONCE = timedelta(seconds=1)
"""No person follows two different links of one message within this time. Scanners follow all of them: Mimecast, Barracuda
and Defender pretend to be browsers, and cannot be recognised otherwise (Mautic's issues 9798 and 16263)."""


class LinkRequest(NamedTuple):
    """A request for a picture or a link of a message, or a provider's report of one.

    ``headers`` have names in lower case, as far as they are known; ``address`` is the IP address; ``left`` is how long ago the
    message left, in idic's time, None where it is unknown; ``flagged``: the provider says that it was a machine (SendGrid's
    ``sg_machine_open``).
    """

    what: EngagementKind
    user_agent: str = ""
    headers: Mapping[str, str] = {}
    method: str = "GET"
    address: str | None = None
    left: timedelta | None = None
    flagged: bool = False


class NamedMachine(NamedTuple):
    """A machine that names itself in its user agent. ``part`` is in lower case."""

    part: str
    name: str


NAMED: tuple[NamedMachine, ...] = (
    # Messengers that draw a preview of a link.
    NamedMachine("slackbot", "Slack's preview"),  # Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)
    NamedMachine("slack-imgproxy", "Slack's preview"),  # the same page
    NamedMachine("whatsapp/", "WhatsApp's preview"),  # WhatsApp/2.23.20.0; developers.facebook.com/docs/whatsapp/link-previews
    NamedMachine("telegrambot", "Telegram's preview"),  # TelegramBot (like TwitterBot); core.telegram.org
    NamedMachine("skypeuripreview", "the preview of Teams or Skype"),  # Mozilla/5.0 (...) SkypeUriPreview Preview/0.5
    NamedMachine(
        "microsoftpreview", "the preview of Teams or Skype"
    ),  # MicrosoftPreview/2.0; bing.com/webmasters/help/which-crawlers
    NamedMachine("bitlybot", "Bitly's check"),  # Mautic's pull request 6591: of short links in SMS
    # Apple's Messages and Meta's apps: facebookexternalhit/1.1 Facebot Twitterbot/1.0;
    # developers.facebook.com/docs/sharing/webmasters/web-crawlers
    NamedMachine("facebookexternalhit", "a messenger's preview"),
    NamedMachine("facebot", "a messenger's preview"),
    NamedMachine("meta-externalfetcher", "a messenger's preview"),
    NamedMachine("twitterbot", "a messenger's preview"),  # developer.x.com, "Getting started with cards"
    NamedMachine("discordbot", "Discord's preview"),  # Discordbot/2.0 (+https://discordapp.com)
    NamedMachine("linkedinbot", "LinkedIn's preview"),  # LinkedInBot/1.0 (... +http://www.linkedin.com)
    NamedMachine("snap url preview", "Snapchat's preview"),  # developers.snap.com/robots
    NamedMachine(
        "google-pagerenderer", "Google's preview"
    ),  # of Google Chat and Messages; developers.google.com, "user-triggered"
    # Scanners of mail that say who they are; most do not.
    NamedMachine("barracuda", "Barracuda's scanner"),
    NamedMachine("proofpoint", "Proofpoint's scanner"),
    NamedMachine("mimecast", "Mimecast's scanner"),
    NamedMachine("ciscosecureemail", "Cisco's scanner"),
    NamedMachine("bingpreview", "Microsoft's scanner"),  # bing.com/webmasters/help/which-crawlers; Defender uses it as well
    # Crawlers that say that they are: the sign by which they do, which no browser has.
    NamedMachine("googlebot", "a crawler"),  # developers.google.com/search/docs/crawling-indexing/google-common-crawlers
    NamedMachine("bingbot", "a crawler"),
    NamedMachine("applebot", "a crawler"),  # support.apple.com/119829
    NamedMachine("yandexbot", "a crawler"),
    # Programs, by the names that they give themselves where nobody gave another.
    NamedMachine("python-requests/", "a program"),
    NamedMachine("python-urllib/", "a program"),
    NamedMachine("aiohttp/", "a program"),
    NamedMachine("go-http-client/", "a program"),
    NamedMachine("curl/", "a program"),
    NamedMachine("wget/", "a program"),
    NamedMachine("libwww-perl/", "a program"),
    NamedMachine("headlesschrome/", "a browser without a person"),  # developer.chrome.com/docs/chromium/headless
)

_APPLE = "mozilla/5.0"
"""Apple's Mail Privacy Protection says this and nothing more, where every browser goes on (SocketLabs, *Identifying Apple MPP
Opens*; it fetches when the mail arrives, whether or not anybody looks)."""

PREFETCH = ("sec-purpose", "purpose", "x-purpose", "x-moz")
"""Headers by which a browser says that it loads a page in advance (Fetch standard, ``Sec-Purpose``; the others are older:
http.dev/purpose)."""

_NETWORKS = tuple(
    (ip_network(network), name)
    for network, name in (
        # Where Exchange Online Protection is, and nobody's browser: Microsoft's "Office 365 URLs and IP address ranges", ids 9
        # and 10. Safe Links is seen from there (gophish's issue 973).
        ("40.92.0.0/15", "Microsoft's scanner"),
        ("40.107.0.0/16", "Microsoft's scanner"),
        ("52.100.0.0/14", "Microsoft's scanner"),
        ("104.47.0.0/17", "Microsoft's scanner"),
        ("2a01:111:f400::/48", "Microsoft's scanner"),
        ("2a01:111:f403::/48", "Microsoft's scanner"),
        # Barracuda's "Email Gateway Defense IP Ranges", of the United States.
        ("209.222.80.0/21", "Barracuda's scanner"),
    )
)


def machine(asked: LinkRequest) -> str | None:
    """The machine that made a request, in words; None for a person, and where it is unknown."""
    agent = asked.user_agent.strip().lower()
    if asked.flagged:
        return "its provider says so"
    if asked.method == "HEAD":
        return "only whether it is there was asked"
    if any(_prefetches(asked.headers.get(name, "")) for name in PREFETCH):
        return "fetched in case somebody wants it"
    if asked.what == "opened" and agent == _APPLE:
        return "Apple Mail Privacy Protection"
    for known in NAMED:
        if known.part in agent:
            return known.name
    if (network := _network(asked.address)) is not None:
        return network
    if asked.what == "clicked" and asked.left is not None and asked.left < TOO_SOON:
        return "sooner than anybody reads"
    return None


MANY_AT_ONCE = "several links at once"
"""The words for a visitor who follows different links of one message within ``AT_ONCE``."""


def _prefetches(value: str) -> bool:
    return any(word in value.lower() for word in ("prefetch", "prerender", "preview"))


def _network(address: str | None) -> str | None:
    if not address:
        return None
    try:
        ip: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return None
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return next((name for network, name in _NETWORKS if ip in network), None)
