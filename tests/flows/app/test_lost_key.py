"""The master key is lost: no other is made behind the operator's back, and there is a way on."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from app.cli.root import cli
from runtime.secrets import new_master_key
from tests.flows.app.served import ENVIRONMENT, HARBOUR, HARBOUR_BEGINS

SEALED = (
    "target acs, target boxes-snmp, target boxes-ssh, target portal-north, payment provider cards"
)
MEND = "`boxoffice import --seal-anew` with operator.toml (and boxes.csv)"


@pytest.fixture
def boxoffice(tmp_path, monkeypatch, sqlite_url):
    """Run a command for an operator who has imported: exit code, output, errors."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BOXOFFICE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("BOXOFFICE_DATABASE_URL", sqlite_url)

    def run(*words: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(cli, list(words))
        assert isinstance(result.exception, SystemExit | None)
        return result.exit_code, result.stdout, result.stderr

    monkeypatch.setenv("BOXOFFICE_ALLOW_TIME_TRAVEL", "true")
    days = (HARBOUR_BEGINS - datetime.now(UTC)).days
    assert run("clock", "advance", f"{days}d")[0] == 0
    assert run("import", str(HARBOUR))[0] == 0
    return run


@pytest.fixture
def key(boxoffice, tmp_path):
    """The file with the key."""
    return tmp_path / "data" / "master.key"


@pytest.mark.parametrize(
    "words", [("doctor",), ("migrate",), ("serve", "--port", "0"), ("import", str(HARBOUR))]
)
def test_without_its_key_nothing_starts_and_no_key_is_made(boxoffice, key, words):
    """Every command says what is sealed and how to mend it; the file put back, all is well."""
    text = key.read_text()
    key.unlink()
    code, output, errors = boxoffice(*words)
    assert (code, output, errors.count("\n")) == (1, "", 1)
    assert f"{key} is missing, and it has sealed {SEALED}: put the right key back" in errors
    assert MEND in errors
    assert not key.exists()
    key.write_text(text)
    key.chmod(0o600)
    assert boxoffice("targets", "list")[0] == 0


def test_another_key_is_refused_with_the_way_to_mend_it(boxoffice, key):
    """A key that has sealed nothing here is named as such."""
    key.write_text(new_master_key())
    code, _, errors = boxoffice("explain", "200001")
    assert (code, errors.count("\n")) == (1, 1)
    assert f"another master key has sealed {SEALED}: put the right key back" in errors


def test_what_a_lost_key_sealed_is_sealed_anew(boxoffice, key, monkeypatch):
    """operator.toml brings the secrets again; from then on the new key opens them all."""
    key.unlink()
    toml = str(HARBOUR / "operator.toml")
    code, output, errors = boxoffice("import", "--seal-anew", toml, "--json")
    assert (code, json.loads(output)["taken"]) == (0, True), errors
    assert key.exists()
    assert boxoffice("targets", "list")[0] == 0
    assert "payment providers: cards" in boxoffice("doctor")[1]
    assert boxoffice("import", str(HARBOUR))[0] == 0


def test_what_a_list_brought_is_sealed_anew_with_it(boxoffice, key, tmp_path):
    """Logins of boxes are named as lost, too; their list brings them again, unread by anybody."""
    boxes = tmp_path / "boxes.csv"
    boxes.write_text(
        "serial,mac,model,contract,handed_over_on,username,password\n"
        "HT2-90001,,HT-2,,,cpe-1,cAnArY-7731\n"
    )
    assert boxoffice("import", str(boxes))[0] == 0
    key.unlink()
    assert f"{SEALED}, the logins of 1 boxes" in boxoffice("doctor")[2]
    toml = str(HARBOUR / "operator.toml")
    assert boxoffice("import", "--seal-anew", toml, str(boxes))[0] == 0
    assert boxoffice("targets", "list")[0] == 0
    code, output, _ = boxoffice("import", str(boxes))
    assert (code, output) == (0, "boxes.csv: 0 imported, 1 known already\n")
