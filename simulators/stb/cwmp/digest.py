"""HTTP digest authentication (RFC 7616) from both ends: as a client, and as a small server.

A box is a client towards its ACS, as libcurl is one: nothing until it is challenged, then one
nonce with a rising count for as long as it is taken. It is a server for connection requests.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

REALM = "box"

_HASHES: Mapping[str, Callable[[bytes], "hashlib._Hash"]] = {
    "MD5": lambda text: hashlib.md5(text, usedforsecurity=False),
    "SHA-256": hashlib.sha256,
}
_FIELD = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


@dataclass(slots=True, kw_only=True)
class Challenge:
    """A challenge that was taken up, and how often its nonce was used."""

    realm: str
    nonce: str
    algorithm: str
    qop: str
    opaque: str | None
    count: int = field(default=0)

    def header(self, *, username: str, password: str, method: str, uri: str, rng: Random) -> str:
        """Write the Authorization header for the next use of the nonce."""
        self.count += 1
        count, cnonce = f"{self.count:08x}", f"{rng.getrandbits(64):016x}"
        proof = self._proof(username, password, f"{method}:{uri}", f"{count}:{cnonce}")
        fields = [
            f'username="{_quoted(username)}"',
            f'realm="{_quoted(self.realm)}"',
            f'nonce="{self.nonce}"',
            f'uri="{uri}"',
        ]
        if self.qop:
            fields += [f'cnonce="{cnonce}"', f"nc={count}", f"qop={self.qop}"]
        fields.append(f'response="{proof}"')
        if self.opaque is not None:
            fields.append(f'opaque="{self.opaque}"')
        fields.append(f"algorithm={self.algorithm}")
        return "Digest " + ", ".join(fields)

    def _proof(self, username: str, password: str, asked: str, counted: str) -> str:
        who = _hash(self.algorithm, f"{username}:{self.realm}:{password}")
        what = _hash(self.algorithm, asked)
        middle = f"{counted}:{self.qop}:" if self.qop else ""
        return _hash(self.algorithm, f"{who}:{self.nonce}:{middle}{what}")


def challenge(headers: list[str]) -> Challenge | None:
    """Take up the first digest challenge that can be answered; None where there is none."""
    for header in headers:
        scheme, _, rest = header.partition(" ")
        told = _fields(rest)
        algorithm = told.get("algorithm", "MD5")
        offered = [one.strip() for one in told.get("qop", "").split(",") if one.strip()]
        if scheme.lower() != "digest" or algorithm not in _HASHES or "nonce" not in told:
            continue
        if offered and "auth" not in offered:
            continue
        return Challenge(
            realm=told.get("realm", ""),
            nonce=told["nonce"],
            algorithm=algorithm,
            qop="auth" if offered else "",
            opaque=told.get("opaque"),
        )
    return None


class Gate:
    """Challenges callers and checks their proofs; each nonce serves rising counts only."""

    NONCES_MAX = 1000

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._counts: dict[str, int] = {}

    def challenge(self) -> str:
        """Write a WWW-Authenticate header with a fresh nonce."""
        nonce = f"{self._rng.getrandbits(128):032x}"
        self._counts[nonce] = 0
        if len(self._counts) > self.NONCES_MAX:
            del self._counts[next(iter(self._counts))]
        return f'Digest realm="{REALM}", qop="auth", nonce="{nonce}", algorithm=MD5'

    def is_open(self, header: str, *, username: str, password: str, path: str) -> bool:
        """Tell whether a GET of `path` proves that its caller knows the password."""
        scheme, _, rest = header.partition(" ")
        told = _fields(rest)
        if scheme.lower() != "digest" or told.get("uri") != path or told.get("qop") != "auth":
            return False
        nonce, counted = told.get("nonce", ""), told.get("nc", "")
        if not re.fullmatch("[0-9a-fA-F]{8}", counted) or nonce not in self._counts:
            return False
        who = _hash("MD5", f"{username}:{REALM}:{password}")
        what = _hash("MD5", f"GET:{path}")
        proof = _hash("MD5", f"{who}:{nonce}:{counted}:{told.get('cnonce', '')}:auth:{what}")
        is_right = _same(proof, told.get("response", ""))
        is_right &= _same(username, told.get("username", ""))
        if not is_right or int(counted, 16) <= self._counts[nonce]:
            return False
        self._counts[nonce] = int(counted, 16)
        return True


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(*(text.encode(errors="surrogateescape") for text in (one, other)))


def _hash(algorithm: str, text: str) -> str:
    return _HASHES[algorithm](text.encode()).hexdigest()


def _fields(text: str) -> dict[str, str]:
    return {
        name.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted else bare
        for name, quoted, bare in _FIELD.findall(text)
    }


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
