"""Keys of a domain that lives in these tests alone, and what its DNS says of them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from idic.interact.channels.dkim import Signer

DOMAIN, SELECTOR = "shop.example", "idic1"
Zone = Callable[..., bytes | None]


def keep(key: RSAPrivateKey | Ed25519PrivateKey, file: Path) -> Path:
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


def zone(key: RSAPrivateKey | Ed25519PrivateKey) -> Zone:
    """The domain's TXT records, as a resolver finds them."""
    public = key.public_key()
    if isinstance(key, Ed25519PrivateKey):
        said = b"v=DKIM1; k=ed25519; p=" + b64encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw))
    else:
        said = b"v=DKIM1; k=rsa; p=" + b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    records = {f"{SELECTOR}._domainkey.{DOMAIN}.".encode(): said}
    return lambda name, timeout=5: records.get(name)


def rsa(bits: int = 2048) -> RSAPrivateKey:
    return generate_private_key(65537, bits)


def signer(key: RSAPrivateKey | Ed25519PrivateKey, folder: Path) -> Signer:
    return Signer.read(DOMAIN, SELECTOR, keep(key, folder / "dkim.pem"))
