"""The operator's private key: which forms are taken, and how one is opened. Pure.

As OpenSSH, PEM and PKCS#8 have it; encrypted, as PKCS#8 alone. What OpenSSH derives a cipher's key
with needs a library that nothing else here needs, and the old PEM way is no protection any more.
What is raised shows nothing of a key: it is never worded by the library.
"""

from __future__ import annotations

import binascii

import asyncssh

_SEALED_PKCS8 = "-----BEGIN ENCRYPTED PRIVATE KEY-----"
_SEALED_PEM = "Proc-Type: 4,ENCRYPTED"
_OPENSSH = "-----BEGIN OPENSSH PRIVATE KEY-----"
# PROTOCOL.key of OpenSSH: the magic, then the cipher's name; "none" is four letters long.
_OPEN_OPENSSH = b"openssh-key-v1\0\0\0\0\4none"
_OTHERWISE = (
    "an encrypted key is taken as PKCS#8 alone: write it anew by `ssh-keygen -p -m PKCS8`, or give "
    "it without a passphrase, it is sealed here"
)


def check(text: str) -> None:
    """Look at a key that nobody has opened. Raises ValueError for one that never could be."""
    if _SEALED_PKCS8 in text:
        return
    if _SEALED_PEM in text or (_OPENSSH in text and not _is_open(text)):
        raise ValueError(_OTHERWISE)
    opened(text, "")


def opened(text: str, passphrase: str) -> asyncssh.SSHKey:
    """Read a key. Raises ValueError."""
    try:
        return asyncssh.import_private_key(text, passphrase or None)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
        pass
    if _SEALED_PKCS8 not in text:
        raise ValueError("no private key")
    raise ValueError("it does not open the private key" if passphrase else "the key needs one")


def _is_open(text: str) -> bool:
    """Tell whether a key as OpenSSH writes it is not encrypted; a broken one counts as such."""
    body = text.partition(_OPENSSH)[2].partition("-----END")[0]
    try:
        return binascii.a2b_base64("".join(body.split())).startswith(_OPEN_OPENSSH)
    except binascii.Error:
        return True
