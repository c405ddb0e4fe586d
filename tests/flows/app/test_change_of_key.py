"""The master key is changed: all is sealed anew, and the former one is not needed any more."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.root import cli
from runtime.secrets import new_master_key
from tests.flows.app.served import ENVIRONMENT, HARBOUR

CONTRACT = "200001"
BOXES = """\
serial,mac,model,contract,handed_over_on,address,username,password
HT2-77777,00:1A:79:77:77:77,HT-2,,,192.0.2.7:22,box,its-own-secret-7
HT2-77778,00:1A:79:77:77:78,HT-2,,,192.0.2.8:22,box,its-own-secret-8
"""


@pytest.fixture
def boxoffice(tmp_path, monkeypatch, migrated_url):
    """Run a command for an operator who has imported, once on each engine: exit code, output."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BOXOFFICE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("BOXOFFICE_DATABASE_URL", migrated_url)

    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(cli, list(words))
        assert isinstance(result.exception, SystemExit | None)
        return result.exit_code, result.stdout + result.stderr

    own = [file for file in HARBOUR.iterdir() if file.suffix in {".csv", ".toml"}]
    # His households have their boxes in years to come.
    own = [file for file in own if file.name not in {"boxes.csv", "story.toml"}]
    code, output = run("import", *map(str, own))
    assert code == 0, output
    boxes = tmp_path / "boxes.csv"
    boxes.write_text(BOXES)
    code, output = run("import", str(boxes))
    assert code == 0, output
    return run


def printed(boxoffice, folder: Path) -> str:
    """Have a batch made and activated; no file is ever written over. Gives a code."""
    day = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()
    order = ("5.00", "--count", "1", "--valid-until", day, "--dealer", "Kiosk")
    listed, sheet, other = folder / "cards.csv", folder / "cards.html", folder / "other"
    files = ("--csv", str(listed), "--sheet", str(sheet))
    code, output = boxoffice("vouchers", "make", "CARDS", *order, *files)
    assert (code, "CARDS is made: 1 cards" in output) == (0, True)
    for given in (("--csv", str(other), "--sheet", str(sheet)), ("--csv", str(listed))):
        code, output = boxoffice("vouchers", "make", "OTHER", *order, *given)
        assert (code, "already: nothing was made" in output) == (1, True)
    assert not other.exists()
    assert boxoffice("vouchers", "activate", "CARDS")[0] == 0
    (card,) = csv.DictReader(listed.read_text("utf-8").splitlines())
    assert card["code"] in sheet.read_text("utf-8")
    return card["code"]


def test_a_key_is_changed_without_anything_read_anew(boxoffice, tmp_path, monkeypatch):
    """With both keys all is sealed by the new one; with the new one alone everything opens."""
    old, new = (tmp_path / "data" / "master.key").read_text().strip(), new_master_key()
    card = printed(boxoffice, tmp_path)
    monkeypatch.setenv("BOXOFFICE_MASTER_KEY", f"{new},{old}")
    code, output = boxoffice("database", "reseal", "--json")
    assert code == 0, output
    sealed = {"targets": 4, "payment providers": 1, "voucher keys": 1, "boxes": 2, "letters": 0}
    sealed |= {"mandates": 0, "debit batches": 0, "message gateways": 0}
    assert json.loads(output)["sealed"] == sealed
    monkeypatch.setenv("BOXOFFICE_MASTER_KEY", new)
    assert boxoffice("targets", "list")[0] == 0
    assert (
        "5.00 EUR of voucher CARDS/1 is taken" in boxoffice("vouchers", "redeem", CONTRACT, card)[1]
    )
    code, output = boxoffice("database", "reseal")
    assert (code, output) == (0, "Everything is sealed with the first key already.\n")
    code, output = boxoffice("import", str(HARBOUR / "operator.toml"))
    assert code == 0, output
    assert boxoffice("import", str(tmp_path / "boxes.csv"))[0] == 0
    monkeypatch.setenv("BOXOFFICE_MASTER_KEY", old)
    assert boxoffice("targets", "list")[0] == 1
