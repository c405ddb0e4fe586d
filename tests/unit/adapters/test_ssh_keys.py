"""Which private keys are taken, in the forms that OpenSSH's own tool writes them."""

import subprocess
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from pydantic import ValidationError

from gateway.adapters import registry
from gateway.adapters.sdk import Answer
from gateway.adapters.stb.ssh import keys
from gateway.adapters.stb.ssh.options import SshOptions
from terms.errors import Invalid
from terms.ids import TargetName
from tests.conftest import missing
from tests.services import peers
from tests.unit.adapters.door import Recorder

PASSPHRASE = "open sesame"
FORMS = ("RFC4716", "PEM", "PKCS8")
TYPES = {"ed25519": "256", "ecdsa": "256", "rsa": "2048"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of keys, each with its public half: TYPE-FORM, and TYPE-FORM-sealed."""
    lacking = peers.missing(("ssh-keygen",))
    if lacking:
        missing(lacking)
    folder = tmp_path_factory.mktemp("keys")
    for kind, bits in TYPES.items():
        how = ["ssh-keygen", "-q", "-t", kind, "-b", bits]
        for form in FORMS:
            for name, passphrase in ((f"{kind}-{form}", ""), (f"{kind}-{form}-sealed", PASSPHRASE)):
                path = str(folder / name)
                subprocess.run([*how, "-m", form, "-N", passphrase, "-f", path], check=True)
    return folder


def options(text: str, passphrase: str = "") -> SshOptions:
    """Give a target this key."""
    given = {"models": ["RB-1"], "private_key": text, "passphrase": passphrase}
    return SshOptions.model_validate(given)


def complaint(text: str, passphrase: str = "") -> tuple[str, str]:
    """Give a target a key that is refused: which field, and why."""
    with pytest.raises(ValidationError) as caught:
        options(text, passphrase)
    (error,) = caught.value.errors(include_input=False)
    return str(error["loc"][0]), error["msg"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", TYPES)
def test_a_plain_key_is_taken_in_each_form(made: Path, kind: str, form: str) -> None:
    """Ed25519, ECDSA and RSA, as OpenSSH, PEM and PKCS#8: it is the key of the public half."""
    text = (made / f"{kind}-{form}").read_text()
    public = asyncssh.read_public_key(made / f"{kind}-{form}.pub")
    taken = keys.opened(options(text).private_key.get_secret_value(), "")
    assert taken.public_data == public.public_data


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", TYPES)
def test_an_encrypted_key_is_taken_as_pkcs8_alone(made: Path, kind: str, form: str) -> None:
    """In any other form it is refused where it is given, with or without its passphrase."""
    text = (made / f"{kind}-{form}-sealed").read_text()
    if "BEGIN ENCRYPTED PRIVATE KEY" in text:
        options(text, PASSPHRASE)
        assert complaint(text) == ("passphrase", "Value error, the key needs one")
        assert complaint(text, "friend")[0] == "passphrase"
    else:
        for passphrase in ("", PASSPHRASE):
            field, why = complaint(text, passphrase)
            assert (field, "PKCS#8" in why) == ("private_key", True)


def test_there_are_keys_of_both_kinds(made: Path) -> None:
    """The tool has written sealed keys in each of the three forms."""
    heads = {path.read_text().splitlines()[0] for path in made.glob("*-sealed")}
    assert {"-----BEGIN ENCRYPTED PRIVATE KEY-----", "-----BEGIN OPENSSH PRIVATE KEY-----"} <= heads
    assert any("4,ENCRYPTED" in path.read_text() for path in made.glob("*-sealed"))


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "-----BEGIN canary-key",
        "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n-----END OPENSSH PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n",
        "ssh-ed25519 AAAAcanary",
        "c\u00e4nary",
    ],
)
def test_what_is_no_key_is_refused_unseen(broken: str) -> None:
    """The field is named, and nothing of the text is repeated."""
    field, why = complaint(broken)
    assert (field, "canary" in why) == ("private_key", False)


def test_the_target_names_the_field(made: Path) -> None:
    """Whoever opens or configures a target is told which of its options is wrong."""
    sealed = next(p for p in made.glob("*-sealed") if "OPENSSH" in p.read_text()).read_text()
    given: dict[str, Any] = {"models": ["RB-1"], "private_key": sealed, "passphrase": PASSPHRASE}
    door = Recorder(lambda _, __: Answer(status=500, headers={}, body=b""))
    with pytest.raises(Invalid) as caught:
        registry.open_adapter("ssh", name=TargetName("rack"), options=given, http=door)
    assert caught.value.field == "target rack: private_key"
    assert "PKCS#8" in caught.value.reason
