"""Salted digests, which recognise addresses and message ids that idic may not keep.

They stand for suppressed addresses, and for the messages of erased customers.
"""

from __future__ import annotations

import hashlib
import hmac

from sqlalchemy import select

from idic.store.database import Tx
from idic.store.tables import salts


async def salt(tx: Tx) -> str:
    """The salt of this store; it never changes."""
    if "salt" not in tx.constants:
        tx.constants["salt"] = await tx.scalar(select(salts.c.salt))
    return tx.constants["salt"]


def digest(salt: str, channel: str, address: str) -> str:
    """The digest (64 hexadecimal digits) of an address; case and outer spaces do not matter. Whoever has the salt could find
    the address by trying all; without the salt the digest reveals nothing."""
    return hmac.digest(salt.encode(), f"{channel}:{address.strip().lower()}".encode(), hashlib.sha256).hex()


def tombstone(salt: str, message_id: str) -> str:
    """What replaces the id of a message once its customer is erased. The id counts exactly as it is written."""
    return f"erased:{hmac.digest(salt.encode(), f'message:{message_id}'.encode(), hashlib.sha256).hex()}"
