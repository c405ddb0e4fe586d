"""A database or a file that cannot be used: one sentence that names it and says how to mend it."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.root import cli
from tests.flows.app.process import environment
from tests.flows.app.product import BOXOFFICE
from tests.flows.app.served import ENVIRONMENT, HARBOUR

COMMANDS = (
    ("doctor",),
    ("serve", "--port", "0"),
    ("explain", "nobody"),
    ("import", str(HARBOUR)),
    ("migrate",),
    ("clock", "show"),
)


def garbage(path: Path) -> None:
    """Random bytes."""
    path.write_bytes(os.urandom(50_000))


def truncated(path: Path) -> None:
    """Only its first part is left."""
    os.truncate(path, 60_000)


def of_another_version(path: Path) -> None:
    """A newer version has changed the schema."""
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()


def a_folder(path: Path) -> None:
    """There is a folder in its place."""
    path.unlink()
    path.mkdir()


def unreadable(path: Path) -> None:
    """Its mode forbids everything."""
    path.chmod(0)


@pytest.fixture
def database(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a database that was in order until now."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BOXOFFICE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("BOXOFFICE_DATABASE_URL", sqlite_url)
    return Path(sqlite_url.removeprefix("sqlite:///"))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (garbage, "is no SQLite database: put a backup of it back"),
        (truncated, "is damaged: put a backup of it back"),
        (of_another_version, "has the shape '9999' of another version"),
        (a_folder, "cannot be opened as a file: give it"),
        pytest.param(
            unreadable,
            "cannot be opened as a file: give it",
            marks=pytest.mark.skipif(os.geteuid() == 0, reason="no mode stops root"),
        ),
    ],
)
def test_whatever_is_wrong_with_the_file_is_one_sentence(
    database: Path, spoil: Callable[[Path], None], told: str
):
    """Every command ends with 1, names the file and says how to mend it."""
    spoil(database)
    for words in COMMANDS:
        result = CliRunner().invoke(cli, list(words))
        assert isinstance(result.exception, SystemExit), words
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith(f"boxoffice: the database {database} {told}")
        assert result.stderr.count("\n") == 1


def test_the_whole_story_is_logged_for_who_asks(database: Path, monkeypatch):
    """At the level debug the error is told once with its traceback, before the sentence."""
    garbage(database)
    monkeypatch.setenv("BOXOFFICE_LOG_LEVEL", "debug")
    errors = CliRunner().invoke(cli, ["doctor"]).stderr.splitlines()
    assert [("command.stopped" in line, "Traceback" in line) for line in errors] == [
        (True, True),
        (False, False),
    ]


def test_a_disk_without_room_is_one_sentence(tmp_path: Path):
    """Where nothing more can be written, the file is named and the disk is blamed."""

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    done = subprocess.run(
        [BOXOFFICE, "migrate"],
        env=environment(data_dir=str(tmp_path)),
        preexec_fn=little_room,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert f"the database {tmp_path}/boxoffice.db" in done.stderr
    assert "disk" in done.stderr


def test_a_data_folder_that_is_a_file_is_one_sentence(tmp_path: Path, monkeypatch):
    """It is named, with no number of an error."""
    path = tmp_path / "data"
    path.touch()
    monkeypatch.setenv("BOXOFFICE_DATA_DIR", str(path))
    result = CliRunner().invoke(cli, ["doctor"])
    told = f"boxoffice: {path} is no folder: move it away, or choose another\n"
    assert (result.exit_code, result.stderr) == (1, told)
