"""Proof of who is signed in on the shop's site: without it, a browser is not believed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable


class Proofs:
    """Verifies proofs: HMAC-SHA256 of the user id in hex, made by the shop's server for a signed-in user.

    The first of ``keys`` proves, all verify: change a key by putting the new one in front. Without keys, nobody is believed.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = tuple(key.encode() for key in keys)

    def prove(self, user_id: str) -> str:
        """The proof for a user, as the shop's server makes it. Needs a key."""
        return _proof(self._keys[0], user_id)

    def hold(self, user_id: str, proof: object) -> bool:
        """Whether ``proof`` shows that the shop signed in this user. Takes the same time for every wrong proof."""
        if not isinstance(proof, str):
            return False
        received = proof.strip().lower().encode("utf-8", "surrogatepass")
        holds = False
        for key in self._keys:
            holds |= hmac.compare_digest(_proof(key, user_id).encode(), received)
        return holds


def _proof(key: bytes, user_id: str) -> str:
    return hmac.new(key, user_id.encode(), hashlib.sha256).hexdigest()
