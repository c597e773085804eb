"""Who is looking at the page? What a browser says of itself is believed only as far as it can prove it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable


class Proofs:
    """Made by the shop's server for whom it has signed in, and handed to the page: HMAC-SHA256 of the user id in hex.

    ``keys``: the first proves, all verify, so that a key is changed by putting the new one in front. Without any, nobody
    is believed.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = tuple(key.encode() for key in keys)

    def prove(self, user_id: str) -> str:
        """What the shop's server does, in whatever language it is written. Needs a key."""
        return _proof(self._keys[0], user_id)

    def hold(self, user_id: str, proof: object) -> bool:
        """Whether ``proof`` shows that the shop signed in this user, in a time that does not tell how nearly."""
        if not isinstance(proof, str):
            return False
        given = proof.strip().lower().encode("utf-8", "surrogatepass")
        found = False
        for key in self._keys:
            found |= hmac.compare_digest(_proof(key, user_id).encode(), given)
        return found


def _proof(key: bytes, user_id: str) -> str:
    return hmac.new(key, user_id.encode(), hashlib.sha256).hexdigest()
