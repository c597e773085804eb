"""What must be known again and not be kept: addresses that are not written to, messages of who was forgotten."""

from __future__ import annotations

import hashlib
import hmac

from sqlalchemy import select

from idic.store.database import Tx
from idic.store.tables import salts


async def salt(tx: Tx) -> str:
    """This store's own; it never changes."""
    if "salt" not in tx.lasting:
        tx.lasting["salt"] = await tx.scalar(select(salts.c.salt))
    return tx.lasting["salt"]


def digest(salt: str, channel: str, address: str) -> str:
    """The digest (64 hexadecimal digits) of an address, however it is written: the same for the same address under the same
    salt. Addresses are few enough to be tried one by one by who has the salt; without it, it tells nothing."""
    return hmac.digest(salt.encode(), f"{channel}:{address.strip().lower()}".encode(), hashlib.sha256).hex()


def tombstone(salt: str, message_id: str) -> str:
    """What stands in place of a message's id once nothing may be known of who sent it any more; to the letter."""
    return f"erased:{hmac.digest(salt.encode(), f'message:{message_id}'.encode(), hashlib.sha256).hex()}"
