"""The container files: linted, hardened, and true to the product, without an engine to run them.

No image is built here. What can be told from the files is told; the same services run as processes
in tests/flows/app/test_topology.py.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from app.cli.root import cli
from app.roles.crew import Role
from app.settings import FOLDER_VARIABLE, Settings, load, variable
from app.web import health
from app.web.route import Policy
from runtime.secrets import new_master_key
from tests.fixtures import composed
from tests.fixtures.composed import COMPOSE, DOCKERFILE, ROOT, Unset

PROGRAMS = Path(sys.executable).parent
LINTERS = {
    "schema": (["check-jsonschema", "--builtin-schema", "vendor.compose-spec"], COMPOSE.name),
    "hardening": (
        ["compose-lint", "check", "--quiet", "--strict-config", "--fail-on", "low"],
        COMPOSE.name,
    ),
    "dockerfile": (["hadolint", "--failure-threshold", "info"], DOCKERFILE.name),
}
SECRETS = {"database_url": "postgresql://boxoffice:p@postgres/boxoffice"}


@pytest.fixture(scope="module")
def compose() -> composed.Composed:
    """The project's services."""
    return composed.composed()


def lint(linter: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Have one linter look at its file in a folder."""
    command, name = LINTERS[linter]
    words = [str(PROGRAMS / command[0]), *command[1:], name]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("linter", LINTERS)
def test_the_files_are_clean(linter):
    """No linter has anything to say."""
    done = lint(linter, ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


PLANTED = [
    ("schema", "depends_on:\n    migrate", "depend_on:\n    migrate"),
    ("schema", "networks: [inside, outside]", "networks: inside"),
    ("schema", "  init: true", "  inti: true"),
    ("hardening", "cap_drop: [ALL]", "cap_drop: [NET_RAW]"),
    ("hardening", "read_only: true", "read_only: false"),
    ("hardening", 'security_opt: ["no-new-privileges:true"]', "privileged: true"),
    ("hardening", "${WEB_ADDRESS:-127.0.0.1}:8080:8080", "8080:8080"),
    ("hardening", "memory: 512M, ", ""),
    ("hardening", "valkey:8.1.3-bookworm", "valkey:latest"),
    ("hardening", "POSTGRES_PASSWORD_FILE: /run/secrets/postgres_password", "POSTGRES_PASSWORD: x"),
    ("hardening", 'user: "10001:10001"', 'user: "0:0"'),
    ("dockerfile", "python:3.11.13-slim-bookworm", "python:latest"),
    ("dockerfile", "WORKDIR /build", "WORKDIR build"),
    ("dockerfile", "USER 10001:10001", "USER root"),
    ("dockerfile", "\nRUN groupadd", "\nRUN apt-get install gcc && groupadd"),
    ("dockerfile", 'ENTRYPOINT ["boxoffice"]', "ENTRYPOINT boxoffice"),
]


@pytest.mark.parametrize(("linter", "good", "bad"), PLANTED, ids=lambda text: text[:24])
def test_a_planted_fault_is_found(linter, good, bad, tmp_path):
    """Each linter finds what it is there for."""
    for name in (COMPOSE.name, DOCKERFILE.name, ".compose-lint.yml"):
        (tmp_path / name).write_text((ROOT / name).read_text("utf-8"), "utf-8")
    path = tmp_path / LINTERS[linter][1]
    text = path.read_text("utf-8")
    assert good in text
    path.write_text(text.replace(good, bad), "utf-8")
    assert lint(linter, tmp_path).returncode == 1


def test_every_variable_is_a_setting(compose):
    """What a container of ours is told in its environment or by a file is a setting we know."""
    known = {FOLDER_VARIABLE, *map(variable, Settings.model_fields)}
    assert set(compose.ours) == {"migrate", *(role for role in Role if role is not Role.ALL)}
    for name, service in compose.ours.items():
        assert set(compose.settings(name)) <= known
        assert {secret.upper() for secret in service["secrets"]} <= known
        assert compose.settings(name)[FOLDER_VARIABLE] == "/run/secrets"


def test_every_container_starts_with_what_it_is_told(compose, tmp_path, monkeypatch):
    """The settings load from the environment and the files of each service, and say what is meant.

    Where a file is missing, the embedded database and a key of its own are not what anybody meant:
    so both must be there, or the engine starts nothing.
    """
    secrets = {**SECRETS, "master_key": new_master_key()}
    for name, text in secrets.items():
        (tmp_path / f"boxoffice_{name}").write_text(text, "utf-8")
    for name, service in compose.ours.items():
        assert {f"boxoffice_{secret}" for secret in secrets} == set(service["secrets"])
        with monkeypatch.context() as patch:
            for key, text in compose.settings(name).items():
                patch.setenv(key, text)
            patch.setenv(FOLDER_VARIABLE, str(tmp_path))
            settings = load()
        assert settings.database_url == SECRETS["database_url"]
        assert settings.master_key is not None
        assert str(settings.data_dir) == "/var/lib/boxoffice"
        assert not settings.insecure_cookies
        assert not settings.allow_time_travel


def test_every_command_can_be_given(compose):
    """The command line takes each command, and each role is one."""
    root: Any = get_command(cli)
    roles = set()
    for name in compose.ours:
        words = list(compose.command(name))
        context = root.make_context("boxoffice", list(words))
        word, command, rest = root.resolve_command(context, list(words))
        parsed = command.make_context(word, rest, parent=context)
        roles.add(parsed.params.get("role", word))
    assert roles == {"migrate", *(role.value for role in Role if role is not Role.ALL)}
    assert composed.image().all("ENTRYPOINT") == ['["boxoffice"]']


def test_health_is_asked_where_it_is_told(compose):
    """Every address in a health check is an open route at the port of that process."""
    nowhere: Any = None  # they are declared, and asked nothing
    routes = health.routes(nowhere, dict)
    is_open = {route.path for route in routes if route.policy is Policy.OPEN}
    (of_image,) = composed.image().all("HEALTHCHECK")
    tests = {"image": json.loads(of_image.partition("CMD")[2])}
    tests |= {
        name: one["healthcheck"]["test"][1:]
        for name, one in compose.ours.items()
        if name != "migrate"
    }
    assert len({tuple(words) for words in tests.values()}) == 1
    for name, words in tests.items():
        ((port, path),) = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", words[-1])
        told = composed.image().environment if name == "image" else compose.settings(name)
        assert (port, path) == (told["BOXOFFICE_HEALTH_PORT"], "/readyz")
        assert path in is_open


def test_ports_agree(compose):
    """What is published, exposed and listened to is the same; the database and Redis never are."""
    settings = compose.settings("web")
    http, acs = settings["BOXOFFICE_HTTP_PORT"], settings["BOXOFFICE_ACS_PORT"]
    published = {name: compose.ports(name) for name in compose.services if compose.ports(name)}
    assert published == {
        "web": [f"127.0.0.1:{http}:8080"],
        "acs": [f"192.0.2.1:{acs}:7547"],
    }
    exposed = set(composed.image().all("EXPOSE")[0].split())
    assert exposed == {http, acs, settings["BOXOFFICE_HEALTH_PORT"]}
    with pytest.raises(Unset, match="the address of this machine at which boxes call"):
        composed.composed(ACS_ADDRESS="").ports("acs")


def test_what_is_named_is_there(compose):
    """Every service, secret, volume and network that is referred to is declared."""
    document = compose.document
    for name, service in compose.services.items():
        assert set(service.get("depends_on", ())) <= set(compose.services), name
        assert set(service.get("secrets", ())) <= set(document["secrets"]), name
        assert set(service["networks"]) <= set(document["networks"]), name
        volumes = {volume.partition(":")[0] for volume in service.get("volumes", ())}
        assert volumes <= set(document["volumes"]), name
        if name in compose.ours and name != "migrate":
            waits = service["depends_on"]["migrate"]["condition"]
            assert waits == "service_completed_successfully"
    for name in ("postgres", "redis"):
        assert compose.services[name]["networks"] == ["inside"]
    assert document["networks"]["inside"] == {"internal": True}


def test_nothing_can_do_more_than_it_must(compose):
    """No service is root, writes to its image, keeps a privilege, or takes all the memory."""
    for name, service in compose.services.items():
        uid, _, gid = service["user"].partition(":")
        assert int(uid) > 0, name
        assert int(gid) > 0, name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert {"cpus", "memory", "pids"} <= set(service["deploy"]["resources"]["limits"]), name
        assert "healthcheck" in service, name
    users = {service["user"] for service in compose.ours.values()}
    assert users == set(composed.image().all("USER"))


def test_the_image_holds_what_the_wheel_needs_and_no_more():
    """The build sees every package of the wheel and the lists it installs; secrets and data never.

    Bases carry exact tags, each stage the same one.
    """
    document = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = document["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    let_in = {line[1:] for line in lines if line.startswith("!")}
    lists = {"requirements/build.txt", "requirements/image.txt"}
    assert lines[1] == "*"
    assert let_in == {f"{package}/" for package in packages} | lists | {"LICENSE", "pyproject.toml"}
    text = DOCKERFILE.read_text("utf-8")
    assert set(re.findall(r"requirements/\w+\.txt", text)) == lists
    assert text.count("--require-hashes") == len(lists)
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", bases[0])
