"""A command line in the process of the tests, on a data folder of its own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from app.cli.root import cli
from tests.flows.app.served import ENVIRONMENT, HARBOUR, HARBOUR_BEGINS


@pytest.fixture
def boxoffice(tmp_path, monkeypatch, sqlite_url):
    """Run a command on a data folder of its own: exit code, output, errors."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BOXOFFICE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("BOXOFFICE_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("BOXOFFICE_ALLOW_TIME_TRAVEL", "true")

    def run(*words: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(cli, list(words))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return run


@pytest.fixture
def harbour_files(boxoffice):
    """The demonstration's operator, imported when its households have their boxes."""
    days = (HARBOUR_BEGINS - datetime.now(UTC)).days
    assert boxoffice("clock", "advance", f"{days}d")[0] == 0
    assert boxoffice("import", str(HARBOUR))[0] == 0
    return boxoffice
