"""Secrets at rest: sealed for one place in the database, useless without the master key.

Every secret gets a data key of its own, which the master key wraps (AES-256-GCM both times). The
place is sealed in, so that a copy elsewhere does not open. It knows no table and no vendor.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from runtime.telemetry import get_log
from terms.errors import BoxofficeError, Invalid

log = get_log()

KEY_FILE = "master.key"
KEY_BYTES = 32
KEYS_MAX = 10
_NONCE_BYTES = 12
_SCHEME = "bx1"
_IMPRINT_CHARS = 32  # 128 bits of HMAC-SHA256


class SealBroken(BoxofficeError):
    """A sealed secret does not open: another place, another master key, or changed content."""


class KeyHolder(Protocol):
    """Who says where the master key is: the settings."""

    @property
    def master_key(self) -> SecretStr | None:
        """Keys as text, if they are given so."""
        ...

    @property
    def data_dir(self) -> Path:
        """Where the file with the key lives otherwise."""
        ...


class Sealer:
    """Seals and opens text. The first master key seals, all of them open."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"at least one master key of {KEY_BYTES} bytes is needed")
        self._masters = {_key_id(key): AESGCM(key) for key in keys}
        # A key of its own, so that nothing made with it says anything about what is sealed.
        self._imprinting = hmac.digest(keys[0], b"boxoffice imprint key", "sha256")
        self.key_id = _key_id(keys[0])
        self._root = hmac.digest(keys[0], b"boxoffice shared keys", "sha256")

    @classmethod
    def of(cls, holder: KeyHolder) -> Self:
        """Open with the key that is given, else with the key file, which is made if missing."""
        given = holder.master_key
        return cls(parse_keys(given.get_secret_value()) if given else keys_of(holder.data_dir))

    def seal(self, text: str, *, place: str) -> str:
        """Seal a text for one place, such as `table/column/row`; printable ASCII comes out."""
        data_key = AESGCM.generate_key(bit_length=8 * KEY_BYTES)
        box = _encrypt(AESGCM(data_key), text.encode("utf-8", "surrogatepass"), place)
        return self._wrapped(data_key, box, place)

    def open(self, sealed: str, *, place: str) -> str:
        """Return what was sealed for this place. Raises SealBroken, without any content."""
        data_key, box = self._unwrapped(sealed, place)
        return _decrypt(AESGCM(data_key), box, place).decode("utf-8", "surrogatepass")

    def shared_key(self, place: str) -> bytes:
        """Derive a key for one place; whoever has the same first master key derives the same."""
        return hmac.digest(self._root, _raw(place), "sha256")

    def knows(self, sealed: str) -> bool:
        """Say whether one of our master keys has sealed it. Raises SealBroken for other text."""
        return _parts(sealed)[0] in self._masters

    def imprint(self, text: str, *, place: str) -> str:
        """Give what tells equal texts of one place from others, to holders of this key alone."""
        content = f"{place}\0{text}".encode("utf-8", "surrogatepass")
        digest = hmac.new(self._imprinting, content, hashlib.sha256).hexdigest()
        return digest[:_IMPRINT_CHARS]

    def reseal(self, sealed: str, *, place: str) -> str:
        """Wrap the data key by the first master key; the same text returns if it is already.

        Raises SealBroken. The content is neither read nor changed.
        """
        data_key, box = self._unwrapped(sealed, place)
        return sealed if _parts(sealed)[0] == self.key_id else self._wrapped(data_key, box, place)

    def _wrapped(self, data_key: bytes, box: bytes, place: str) -> str:
        wrap = _encrypt(self._masters[self.key_id], data_key, f"{self.key_id}/{place}")
        return ".".join((_SCHEME, self.key_id, _text(wrap), _text(box)))

    def _unwrapped(self, sealed: str, place: str) -> tuple[bytes, bytes]:
        key_id, wrap, box = _parts(sealed)
        master = self._masters.get(key_id)
        if master is None:
            raise SealBroken(
                f"sealed with the master key {key_id[:8]!r}, which is not among those given"
            )
        return _decrypt(master, wrap, f"{key_id}/{place}"), box


def new_master_key() -> str:
    """Make a master key, as text for the key file or the environment."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode("ascii")


def parse_keys(text: str) -> list[bytes]:
    """Read master keys from base64 text, separated by commas or white space; the first one seals.

    Raises Invalid, which never repeats the text.
    """
    words = [word for word in re.split(r"[\s,]+", text) if word]
    if not 1 <= len(words) <= KEYS_MAX:
        raise Invalid("master_key", f"1 to {KEYS_MAX} keys are needed")
    try:
        keys = [base64.b64decode(word, validate=True) for word in words]
    except (binascii.Error, ValueError):
        keys = []
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise Invalid("master_key", f"each key must be {KEY_BYTES} random bytes in base64")
    return keys


def keys_of(folder: Path) -> list[bytes]:
    """Read the key file of a data folder; the first start makes it, for its owner alone."""
    path = folder / KEY_FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _make_private(path, new_master_key() + "\n")
    if path.stat().st_mode & 0o077:
        # Said, not refused: some file systems cannot keep a mode.
        log.warning("master_key.readable_by_others", path=str(path), mend="chmod 600")
    return parse_keys(path.read_text("ascii", "replace"))


def same(a: str | bytes, b: str | bytes) -> bool:
    """Compare two secrets in a time that does not tell where they differ."""
    return hmac.compare_digest(_raw(a), _raw(b))


def token_hash(token: str) -> str:
    """Return what is stored of a token of ours. Such a token is long chance, so no salt is needed;
    it is no way to keep a password.
    """
    return hashlib.sha256(_raw(token)).hexdigest()


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"boxoffice master key id\0" + key).hexdigest()[:8]


def _encrypt(cipher: AESGCM, content: bytes, place: str) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, content, _raw(place))


def _decrypt(cipher: AESGCM, box: bytes, place: str) -> bytes:
    try:
        return cipher.decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], _raw(place))
    except (InvalidTag, ValueError):
        raise SealBroken("the secret was sealed for another place, or was changed") from None


def _parts(sealed: str) -> tuple[str, bytes, bytes]:
    try:
        scheme, key_id, wrap, box = sealed.split(".")
        parts = key_id, _bytes(wrap), _bytes(box)
    except ValueError:
        raise SealBroken("this is no sealed secret") from None
    if scheme != _SCHEME:
        raise SealBroken("this is no sealed secret")
    return parts


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _raw(text: str | bytes) -> bytes:
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text


def _make_private(path: Path, text: str) -> None:
    """Write a whole file at once, or leave the one that another process wrote meanwhile."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(beside, path)
        except FileExistsError:
            return
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # losing the key would lose every secret
        finally:
            os.close(folder)
    finally:
        beside.unlink()
