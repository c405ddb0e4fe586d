"""SSH keys out of a seed: a box's own, the ones it shows when it is not itself, an operator's."""

import random

import asyncssh
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from simulators.stb.box import Box


def host_key(box: Box) -> asyncssh.SSHKey:
    """Make the key the box is known by; a regenerated one differs."""
    return _ed25519(box.chance(f"host key {box.host_key_generation}"))


def wrong_host_key(box: Box) -> asyncssh.SSHKey:
    """Make a key of the same type that is not the box's."""
    return _ed25519(box.chance("another host key"))


def other_host_key(box: Box) -> asyncssh.SSHKey:
    """Make a key of another type than the box's."""
    number = int.from_bytes(box.chance("host key of another type").randbytes(31))
    return _imported(ec.derive_private_key(number + 1, ec.SECP256R1()))


def operator_key(seed: object) -> asyncssh.SSHKey:
    """Make the key pair an operator signs in with."""
    return _ed25519(random.Random(f"{seed}:operator key"))


def line(key: asyncssh.SSHKey) -> str:
    """Give the public half as one line: type, then the key."""
    return " ".join(key.export_public_key("openssh").decode().split()[:2])


def _ed25519(chance: random.Random) -> asyncssh.SSHKey:
    return _imported(Ed25519PrivateKey.from_private_bytes(chance.randbytes(32)))


def _imported(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> asyncssh.SSHKey:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return asyncssh.import_private_key(pem)
