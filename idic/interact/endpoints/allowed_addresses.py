"""Decide which addresses may be called: public ones, and those of hosts that the operator listed.

The name itself is not checked, only the addresses that it resolves to: ``2130706433``, ``0177.0.0.1`` and a name that points
at 127.0.0.1 all lead to the same address.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from idic.interact.endpoints.outcome import CannotCall

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, in the order to be tried. Raises ``OSError``."""

MOST = 8
"""Addresses of a host that are tried."""

# Python's own list grows with its versions; these are kept out whatever the version: relays and translators, through which
# a public address of IPv6 stands for any of IPv4, and what is set apart for documents, tests and protocols.
_KEPT_OUT: tuple[IPv4Network | IPv6Network, ...] = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
)  # fmt: skip
_UNICAST = ip_network("2000::/3")
"""All of IPv6 that is global unicast; mapped, translated, local and multicast addresses lie outside."""
_INTRANET: tuple[IPv4Network | IPv6Network, ...] = tuple(
    ip_network(network)
    for network in (
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7",
    )
)  # fmt: skip
"""Where a host that the operator listed may be. Cloud metadata services (169.254.169.254) are not among them."""


def is_public(address: Address) -> bool:
    """Whether an address is on the public internet."""
    if any(address.version == network.version and address in network for network in _KEPT_OUT):
        return False
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    return address.is_global and not address.is_multicast


def is_intranet(address: Address) -> bool:
    """Whether an address can be that of a host in the operator's own network."""
    return any(address.version == network.version and address in network for network in _INTRANET)


def is_listed(host: str, hosts: Collection[str]) -> bool:
    """Whether a host is one of these, exactly."""
    return _plain(host) in {_plain(one) for one in hosts}


async def system_addresses(host: str, port: int) -> list[str]:
    """The addresses of a host as this machine knows them."""
    entries = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in entries]


async def check_addresses(host: str, port: int, resolve: Resolve, *, private: bool) -> list[str]:
    """The addresses of a host that may be connected to, and no other. With ``private`` they may lie in the intranet.

    One address that may not be called refuses the host: whoever mixes them is trying what comes through. Raises
    ``CannotCall`` for that, and what ``resolve`` raises.
    """
    addresses = [ip_address(address) for address in dict.fromkeys(await resolve(host, port))][:MOST]
    if not addresses:
        raise OSError("the host has no address")
    for address in addresses:
        if not (is_public(address) or (private and is_intranet(address))):
            raise CannotCall(
                "address_refused",
                "the host of the endpoint is not on the public internet; if it is meant, the operator names it in "
                "IDIC_CALL_PRIVATE",
            )
    return [str(address) for address in addresses]


def _plain(host: str) -> str:
    return host.strip().strip("[]").rstrip(".").lower()
