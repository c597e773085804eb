"""Draw the share of a split by hash, so that a customer always gets the same."""

from __future__ import annotations

import hashlib

from idic.journey.program.steps import Share, Split


def draw_share(split: Split, customer: str, journey: str) -> Share:
    """The share of this customer, which is always the same."""
    point = hash_percent(customer, journey, split.id)
    for share in split.shares:
        point -= share.percent
        if point < 0:
            break
    return share


def hash_percent(*parts: str) -> float:
    """A number in [0, 100) that is always the same for the same parts."""
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64 * 100
