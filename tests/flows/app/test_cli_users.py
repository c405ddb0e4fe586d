"""`boxoffice user`: the first owner and everybody after, from the machine itself."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import ClientSession
from typer.testing import CliRunner

from app.cli.root import cli
from app.identity.door import form_token
from app.serving import hints
from tests.flows.app.process import Serving, command, environment
from tests.flows.app.product import BOXOFFICE
from tests.flows.app.visitor import added

CANARY = "canary-nine-lanterns"


@pytest.fixture
def boxoffice(tmp_path, monkeypatch, sqlite_url):
    """Run a command with something on its standard input: exit code, output, errors."""
    monkeypatch.setenv("BOXOFFICE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("BOXOFFICE_DATABASE_URL", sqlite_url)

    def run(*words: str, typed: str = "") -> tuple[int, str, str]:
        result = CliRunner().invoke(cli, ["user", *words], input=typed)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return run


def test_the_first_owner_and_others(boxoffice):
    """Somebody is added, listed, given another password, shut out and let in again."""
    run = boxoffice
    code, output, _ = run("add", "Olga", "--role", "owner", "--generate")
    assert (code, output.splitlines()[0]) == (0, "olga may sign in as owner")
    assert len(output.splitlines()[1].removeprefix("password: ")) == 16
    words = ("add", "tom", "--role", "technician", "--display", "Tom T")
    assert run(*words, typed=f"{CANARY}\n") == (0, "tom may sign in as technician\n", "")
    told = json.loads(run("list", "--json")[1])
    assert [(one["name"], one["display"]) for one in told] == [("olga", "olga"), ("tom", "Tom T")]
    assert "hash" not in str(told)
    assert run("disable", "tom")[1] == "tom is let in no more\n"
    assert "technician" in run("list")[1]
    assert run("enable", "tom")[1] == "tom is let in again\n"
    made = json.loads(run("password", "tom", "--generate", "--json")[1])["password"]
    assert len(made) == 16
    assert json.loads(run("password", "tom", "--json", typed=f"{CANARY}\n")[1]) == {
        "password": None
    }
    assert run("sign-ins", "tom")[1] == "none\n"
    assert run("revoke", "tom")[1] == "0 ended\n"


def test_what_cannot_be_done_is_one_sentence(boxoffice):
    """Names, roles and passwords are judged; the last owner stays; nothing typed is repeated."""
    run = boxoffice
    assert run("add", "olga", "--role", "owner", "--generate")[0] == 0
    for words, typed, told in (
        (("add", "a b", "--role", "owner"), f"{CANARY}\n", "name: 2 to 40 of a-z"),
        (("add", "tom", "--role", "king"), f"{CANARY}\n", "role: it is none of"),
        (("add", "olga", "--role", "owner"), f"{CANARY}\n", "somebody is called 'olga' already"),
        (("add", "tom", "--role", "owner"), "password12\n", "password: it is among the first"),
        (("add", "tom", "--role", "owner"), "", "no password on standard input"),
        (("password", "nobody"), f"{CANARY}\n", "there is nobody called 'nobody'"),
        (("disable", "olga"), "", "make another owner first"),
        (("revoke", "olga", "nosuch"), "", "there is no such sign-in"),
    ):
        code, output, errors = run(*words, typed=typed)
        assert (code, output, errors.count("\n")) == (1, "", 1), words
        assert told in errors
        assert CANARY not in errors
    assert run("add", "tom")[0] == 2


def test_on_a_terminal_the_password_is_asked_for_twice_and_not_shown(tmp_path):
    """A person types it unseen; two that differ change nothing."""
    told = on_terminal(tmp_path, CANARY, f"{CANARY}x")
    assert "Password for olga: " in told
    assert "boxoffice: the two differ: nothing was done" in told
    assert CANARY not in told


def on_terminal(folder: Path, *lines: str) -> str:
    """Run `user add` on a terminal, answer what it asks, and return all that was shown."""
    terminal, other_end = pty.openpty()
    process = subprocess.Popen(
        [BOXOFFICE, "user", "add", "olga", "--role", "owner"],
        env=environment(data_dir=str(folder)),
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
        start_new_session=True,
    )
    os.close(other_end)
    shown = b""
    waiting = [(b"Password for olga: ", lines[0]), (b"Again: ", lines[1])]
    with suppress(OSError):  # the other end is closed: it has ended
        while chunk := os.read(terminal, 4096):
            shown += chunk
            if waiting and waiting[0][0] in shown:
                os.write(terminal, waiting.pop(0)[1].encode() + b"\n")
    process.wait()
    os.close(terminal)
    return shown.decode()


async def test_serve_says_that_there_is_no_owner_yet(house):
    """At its start it tells how the first owner is made, and what a careless setting means."""
    (nobody,) = await hints(house)
    assert nobody == "there is no owner yet: boxoffice user add NAME --role owner"
    await added(house, "tom", "technician")
    assert await hints(house) == [nobody]
    await added(house, "olga", "owner")
    assert await hints(house) == []
    house.settings = house.settings.model_copy(update={"insecure_cookies": True})
    (careless,) = await hints(house)
    assert "can take a sign-in over" in careless


async def test_no_password_and_no_cookie_is_ever_logged(tmp_path):
    """Right, wrong, as a name, as a new one: neither the log nor the database has one in clear."""
    settings = {"data_dir": str(tmp_path), "log_level": "debug"}
    words = ("user", "add", "olga", "--role", "owner", "--generate", "--json")
    code, output, told = await command(*words, settings=settings)
    assert code == 0
    made = json.loads(output)["password"]
    cookies: dict[str, str] = {}
    async with Serving(tmp_path, settings) as serving, ClientSession() as http:
        assert serving.ready["hints"] == []

        async def send(path: str, **form: str) -> str:
            kept = "; ".join(f"{name}={value}" for name, value in cookies.items())
            headers = {"Origin": serving.url, "Cookie": kept}
            async with http.post(
                serving.url + path, data=form, headers=headers, allow_redirects=False
            ) as answer:
                cookies.update({name: one.value for name, one in answer.cookies.items()})
                return f"{answer.status} {await answer.text()}"

        assert (await send("/sign-in", name="olga", password=CANARY)).startswith("400")
        assert (await send("/sign-in", name=CANARY, password="x")).startswith("400")
        assert (await send("/sign-in", name="olga", password=made)).startswith("303")
        former = dict(cookies)
        token = form_token(cookies["__Host-boxoffice"])
        form = {"current": made, "new": CANARY, "again": CANARY}
        assert (await send("/me/password", token=token, **form)).startswith("303")
        assert "reload" in await send("/me/password", token=token, **form)
    log = serving.log.read_text() + told
    assert "sign_in.begun" in log
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("boxoffice.db*"))
    for secret in (CANARY, made, token, *former.values(), *cookies.values()):
        assert secret
        assert secret not in log
        assert secret.encode() not in kept
