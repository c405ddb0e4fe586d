"""The operator's settings of boxes that share a command language and a key to sign in with."""

from __future__ import annotations

import asyncssh
from pydantic import Field, SecretStr, model_validator

from gateway.adapters.sdk import BoxOptions, Options


class Verbs(Options):
    """The command language of a model: its lines, and what the answers call things."""

    state: str = "get state"
    active: str = "set active"
    packages: str = "set packages"
    revision: str = "set revision"
    show: str = "show"
    reboot: str = "reboot"
    serial_field: str = "serial"
    active_field: str = "active"
    packages_field: str = "packages"
    revision_field: str = "revision"
    boot_field: str = "boot_id"
    last_key_field: str = "last_key"

    def __str__(self) -> str:
        return "the reference box"


class SshOptions(BoxOptions):
    """Boxes that share a language and an operator's key."""

    user: str = Field("oper", min_length=1, max_length=32, description="who signs in")
    private_key: SecretStr = Field(
        description="his private key, as OpenSSH writes it; encrypted, as PKCS#8"
    )
    passphrase: SecretStr = Field(SecretStr(""), description="what the key is encrypted with")
    connect_deadline_s: float = Field(
        6.0, gt=0, le=8, description="until the box is signed in to, everything included"
    )
    login_deadline_s: float = Field(
        5.0, gt=0, le=8, description="from the connection to the sign-in"
    )
    exec_deadline_s: float = Field(5.0, gt=0, le=8, description="for one command and its answer")
    output_bytes_max: int = Field(
        65_536, ge=1024, le=1_048_576, description="of the answer to one command"
    )
    keep_s: float = Field(
        1.0, ge=0, le=10, description="how long a link waits for its next use before it is closed"
    )
    legacy: bool = Field(
        default=False, description="takes algorithms that are broken, for boxes that know no others"
    )
    verbs: Verbs = Field(Verbs(), description="the command language of these models")

    @model_validator(mode="after")
    def _is_a_key(self) -> SshOptions:
        key_of(self)
        return self


def key_of(options: SshOptions) -> asyncssh.SSHKey:
    """Read the private key. Raises ValueError, which shows nothing of it."""
    passphrase = options.passphrase.get_secret_value() or None
    try:
        return asyncssh.import_private_key(options.private_key.get_secret_value(), passphrase)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
        # Not the library's words: nobody knows how much of a key they show.
        raise ValueError("private_key is no private key, or passphrase does not open it") from None
