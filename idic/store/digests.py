"""Addresses that must be known again and not be kept."""

from __future__ import annotations

import hashlib
import hmac


def digest(salt: str, channel: str, address: str) -> str:
    """The digest (64 hexadecimal digits) of an address, however it is written: the same for the same address under the same
    salt. Addresses are few enough to be tried one by one by who has the salt; without it, it tells nothing."""
    return hmac.digest(salt.encode(), f"{channel}:{address.strip().lower()}".encode(), hashlib.sha256).hex()
