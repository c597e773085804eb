"""Sign mail with DKIM (RFC 6376): with a key that the sender's domain publishes in its DNS."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import dkim
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from idic.errors import SettingsError

SIGNED = (
    "From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
    "Content-Transfer-Encoding", "List-Unsubscribe", "List-Unsubscribe-Post",
)  # fmt: skip
"""The signed headers. Each is signed once more than it occurs, so that adding another one breaks the signature (RFC 6376,
8.15). One-click unsubscribing needs both of its headers among them (RFC 8058, 4)."""

_SHORTEST = 1024
"""The least bits of an RSA key that receivers accept (RFC 8301, 3.2)."""
_DOMAIN = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+")
_SELECTOR = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")


class Signer(NamedTuple):
    """A domain's DKIM key. ``key`` has the form that dkimpy expects for ``algorithm``."""

    domain: str
    selector: str
    algorithm: bytes
    key: bytes

    @classmethod
    def read(cls, domain: str, selector: str, file: Path) -> Signer:
        """Read the private key in ``file``: RSA or Ed25519, as PEM. Raises ``SettingsError``, which does not repeat it."""
        if not _DOMAIN.fullmatch(domain) or not _SELECTOR.fullmatch(selector):
            raise SettingsError(
                "IDIC_DKIM_DOMAIN is a domain such as shop.example, and IDIC_DKIM_SELECTOR a name such as idic1"
            )
        try:
            key = load_pem_private_key(file.read_bytes(), None)
        except OSError as error:
            raise SettingsError(f"IDIC_DKIM_KEY_FILE cannot be read: {error.strerror}") from error
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise SettingsError("IDIC_DKIM_KEY_FILE is no private key in PEM without a password") from None
        match key:
            case RSAPrivateKey() if key.key_size >= _SHORTEST:
                pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
                return cls(domain, selector, b"rsa-sha256", pem)
            case Ed25519PrivateKey():
                return cls(domain, selector, b"ed25519-sha256", b64encode(key.private_bytes_raw()))
        raise SettingsError(f"IDIC_DKIM_KEY_FILE is neither an RSA key of {_SHORTEST} bits or more nor an Ed25519 key")

    def sign(self, mail: bytes, but: Collection[str] = ()) -> bytes:
        """The mail (with CRLF line ends) with its signature on top. ``but`` are headers that a provider changes."""
        unsigned = {name.lower() for name in but}
        named = [name.lower().encode() for name in SIGNED if name.lower() not in unsigned]
        present = {line.split(b":", 1)[0].lower() for line in mail.partition(b"\r\n\r\n")[0].split(b"\r\n")}
        signature: bytes = dkim.sign(
            mail,
            self.selector.encode(),
            self.domain.encode(),
            self.key,
            canonicalize=(b"relaxed", b"relaxed"),
            signature_algorithm=self.algorithm,
            include_headers=[*(name for name in named if name in present), *named],
        )
        return signature + mail
