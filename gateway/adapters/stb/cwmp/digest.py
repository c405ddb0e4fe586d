"""HTTP digest authentication (RFC 7616), the arithmetic of both ends. Pure; it keeps nothing.

Only `qop=auth` with a counted nonce is taken: without a count nobody could tell a replay.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

HEADER_CHARS_MAX = 4_096
_HASHES: Mapping[str, Callable[[bytes], hashlib._Hash]] = {
    # Boxes know no other (TR-069, 3.4.5); what it keeps apart here is a nonce of five minutes.
    "MD5": lambda content: hashlib.md5(content, usedforsecurity=False),
    "SHA-256": hashlib.sha256,
}
_FIELD = re.compile(r'([A-Za-z0-9*_-]{1,32})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_ESCAPED = re.compile(r"\\(.)")
_COUNT = re.compile(r"[0-9a-fA-F]{8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a caller sends to prove that it knows a password."""

    username: str
    realm: str
    nonce: str
    uri: str
    algorithm: str
    count: int
    cnonce: str
    response: str
    opaque: str


def proof_of(header: str) -> Proof | None:
    """Read an Authorization header; None where it is no digest that is taken here."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "digest" or len(header) > HEADER_CHARS_MAX:
        return None
    told = fields(rest)
    algorithm = told.get("algorithm", "MD5").upper()
    count = told.get("nc", "")
    if algorithm not in _HASHES or told.get("qop") != "auth" or not _COUNT.fullmatch(count):
        return None
    if told.get("userhash", "false").lower() != "false":
        return None
    return Proof(
        username=told.get("username", ""),
        realm=told.get("realm", ""),
        nonce=told.get("nonce", ""),
        uri=told.get("uri", ""),
        algorithm=algorithm,
        count=int(count, 16),
        cnonce=told.get("cnonce", ""),
        response=told.get("response", ""),
        opaque=told.get("opaque", ""),
    )


def secret_of(algorithm: str, username: str, realm: str, password: str) -> str:
    """Hash who knows what where: H(A1), which is as good as the password within this realm."""
    return _hashed(algorithm, f"{username}:{realm}:{password}")


def is_proven(proof: Proof, secret: str, method: str) -> bool:
    """Tell, in a time that tells nothing, whether the response is that of the secret."""
    counted = f"{proof.count:08x}"
    counts = (proof.nonce, counted, proof.cnonce)
    expected = _response(proof.algorithm, secret, f"{method}:{proof.uri}", counts)
    return hmac.compare_digest(expected.encode(), _raw(proof.response.lower()))


def answer_to(
    challenges: Sequence[str], *, username: str, password: str, method: str, uri: str, cnonce: str
) -> str:
    """Answer the first challenge that can be; empty where there is none."""
    for header in challenges:
        scheme, _, rest = header.partition(" ")
        told = fields(rest)
        algorithm = told.get("algorithm", "MD5").upper()
        offered = [one.strip() for one in told.get("qop", "").split(",")]
        known = algorithm in _HASHES and "nonce" in told and "auth" in offered
        if scheme.lower() == "digest" and known:
            return _answer(told, algorithm, (username, password), f"{method}:{uri}", cnonce)
    return ""


def challenge(
    *, realm: str, nonce: str, opaque: str, algorithm: str, is_stale: bool = False
) -> str:
    """Word a WWW-Authenticate header."""
    stale = ", stale=true" if is_stale else ""
    return (
        f'Digest realm="{realm}", qop="auth", algorithm={algorithm}, '
        f'nonce="{nonce}", opaque="{opaque}"{stale}'
    )


def fields(text: str) -> dict[str, str]:
    """Take the parameters of a header apart; of one that comes twice the first counts."""
    found: dict[str, str] = {}
    for name, quoted, bare in _FIELD.findall(text[:HEADER_CHARS_MAX]):
        value = (_ESCAPED.sub(r"\1", quoted) if "\\" in quoted else quoted) or bare
        found.setdefault(name.lower(), value)
    return found


def _answer(
    told: Mapping[str, str], algorithm: str, who: tuple[str, str], asked: str, cnonce: str
) -> str:
    username, password = who
    realm, nonce, uri = told.get("realm", ""), told["nonce"], asked.partition(":")[2]
    secret = secret_of(algorithm, username, realm, password)
    proof = _response(algorithm, secret, asked, (nonce, "00000001", cnonce))
    opaque = f', opaque="{_quoted(told["opaque"])}"' if "opaque" in told else ""
    return (
        f'Digest username="{_quoted(username)}", realm="{_quoted(realm)}", '
        f'nonce="{_quoted(nonce)}", uri="{uri}", algorithm={algorithm}, qop=auth, nc=00000001, '
        f'cnonce="{cnonce}", response="{proof}"{opaque}'
    )


def _response(algorithm: str, secret: str, asked: str, counted: tuple[str, str, str]) -> str:
    nonce, count, cnonce = counted
    what = _hashed(algorithm, asked)
    return _hashed(algorithm, f"{secret}:{nonce}:{count}:{cnonce}:auth:{what}")


def _hashed(algorithm: str, text: str) -> str:
    return _HASHES[algorithm](_raw(text)).hexdigest()


def _raw(text: str) -> bytes:
    # Bytes of a header that are no UTF-8 come as lone surrogates and go back to what they were.
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
