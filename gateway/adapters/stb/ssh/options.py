"""The operator's settings of boxes that share a command language and a key to sign in with."""

from __future__ import annotations

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from gateway.adapters.sdk import BoxOptions, Options
from gateway.adapters.stb.ssh import keys


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
        description="his private key, as OpenSSH, PEM or PKCS#8; an encrypted one, as PKCS#8"
    )
    passphrase: SecretStr = Field(
        SecretStr(""), validate_default=True, description="what the key is encrypted with"
    )
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

    @field_validator("private_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        keys.check(value.get_secret_value())
        return value

    @field_validator("passphrase")
    @classmethod
    def _opens_the_key(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if "private_key" in info.data:
            keys.opened(info.data["private_key"].get_secret_value(), value.get_secret_value())
        return value
