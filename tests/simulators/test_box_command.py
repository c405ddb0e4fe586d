"""`python -m simulators ssh|snmp`: which boxes there are, where, and who is let in."""

import json
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from tests.simulators.http import call
from tests.simulators.links import Operator, operator_of
from tests.simulators.managers import knowledge_of, manager
from tests.simulators.process import start_simulator
from tests.simulators.test_command import run


def without_places(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what was told of boxes, but for the ports, which are free ones."""
    return [{key: box[key] for key in box if key != "address"} for box in told["boxes"]]


@pytest.mark.parametrize("kind", ["ssh", "snmp"])
def test_equal_seeds_make_equal_boxes(kind: str) -> None:
    """A purchase list can be written before the boxes are there."""
    with start_simulator(kind, "--count", "3", "--seed", "s1") as first:
        with start_simulator(kind, "--count", "2", "--seed", "s1") as second:
            assert without_places(first.told)[:2] == without_places(second.told)
        addresses = {box["address"] for box in first.told["boxes"]}
        assert len(addresses) == 3
        assert [box["serial"] for box in first.admin("/state")["boxes"]] == [
            box["serial"] for box in first.told["boxes"]
        ]
        assert first.stop() == 0


async def test_ssh_boxes_of_a_state_file(tmp_path: Path) -> None:
    """A file says which boxes there are and whose keys they let in; no key is told then."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    state = {
        "authorized_keys": [key.export_public_key("openssh").decode()],
        "boxes": [
            {
                "serial": "RB00000018",
                "mac": "00:16:3E:00:00:01",
                "known_packages": ["tv"],
                "packages": ["tv"],
                "active": True,
            }
        ],
        "count": 1,
    }
    path = tmp_path / "state.json"
    path.write_text(json.dumps(state))
    async with start_simulator("ssh", "--state", path) as running:
        assert "user_key" not in running.told
        named, counted = running.told["boxes"]
        assert (named["serial"], named["mac"]) == ("RB00000018", "00:16:3E:00:00:01")
        assert counted["serial"] != named["serial"]
        port = int(named["address"].rpartition(":")[2])
        operator = Operator(port=port, host_key=named["host_key"], key=key)
        said = str((await operator.run("get state")).stdout)
        assert {"active=1", "packages=tv"} <= set(said.splitlines())


async def test_snmp_boxes_of_a_state_file(tmp_path: Path) -> None:
    """A file may give a box its user and localised keys, and a community of its own."""
    credentials = {
        "snmp_user": "ann",
        "snmp_auth_key": "0a" * 32,
        "snmp_priv_key": "0b" * 16,
        "snmp_community": "a-secret",
    }
    state = {"boxes": [{"serial": "RB00000018", "credentials": credentials}]}
    path = tmp_path / "state.json"
    path.write_text(json.dumps(state))
    async with start_simulator("snmp", "--state", path) as running:
        (box,) = running.told["boxes"]
        assert (box["user"], box["auth_key"], box["community"]) == ("ann", "0a" * 32, "a-secret")
        async with manager(knowledge_of(running)) as known:
            assert await known.get("serial") == ["RB00000018"]


async def test_ports_follow_each_other() -> None:
    """Boxes take the port asked for and those after it; one that is taken is named."""
    with start_simulator("ssh", "--count", "1") as first:
        port = operator_of(first).port
        done = run("ssh", "--port", str(port))
        told = f"simulators: cannot listen on 127.0.0.1:{port}: address already in use\n"
        assert (done.returncode, done.stdout, done.stderr) == (1, "", told)
    with start_simulator("ssh", "--port", str(port)) as second:
        assert (await operator_of(second).run("get state")).exit_status == 0
        assert operator_of(second).port == port


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("ssh", "--acs", "x"), 2, "unrecognized arguments: --acs"),
        (("ministra", "--count", "2"), 2, "unrecognized arguments: --count"),
        (("snmp", "--count", "many"), 2, "invalid int value"),
    ],
)
def test_options_belong_to_a_kind(arguments: tuple[str, ...], code: int, words: str) -> None:
    """An option that a kind does not have is refused."""
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr


def test_a_wrong_state_stops_the_start(tmp_path: Path) -> None:
    """A state that makes no sense is one sentence, not a box."""
    path = tmp_path / "state.json"
    for kind, state, words in (
        ("ssh", {"boxes": [{"colour": "red"}]}, "a box: unknown key 'colour'"),
        ("ssh", {"authorized_keys": ["no key"]}, "authorized_keys"),
        ("snmp", {"boxes": [{"credentials": {"snmp_auth_key": "zz"}}]}, "makes no sense"),
    ):
        path.write_text(json.dumps(state))
        done = run(kind, "--state", str(path))
        assert (done.returncode, done.stdout) == (1, "")
        assert words in done.stderr
        assert "Traceback" not in done.stderr


def test_wrong_operations() -> None:
    """The admin face names what it does not know, and changes nothing."""
    with start_simulator("ssh") as running:
        serial = running.told["boxes"][0]["serial"]
        before = running.admin("/state")
        for operation, words in (
            ({"op": "explode", "serial": serial}, "unknown operation 'explode'"),
            ({"op": "reboot"}, "name the box by serial"),
            ({"op": "reboot", "serial": "RB1"}, "no box with serial 'RB1'"),
            ({"op": "set", "serial": serial}, "missing 'fields'"),
            ({"op": "set", "serial": serial, "fields": {"colour": 1}}, "no field 'colour'"),
            ({"op": "credentials", "serial": serial, "fields": {"x": 1}}, "unknown key 'x'"),
            ({"op": "reboot", "serial": serial, "key": "k" * 33}, "key: at most 32"),
        ):
            answer = call(running.admin_url, "POST", "/tamper", json.dumps(operation))
            assert (answer.status, answer.json["ok"]) == (400, False)
            assert words in answer.json["error"]
        answer = call(running.admin_url, "GET", "/state?serial=RB1")
        assert answer.status == 400
        assert running.admin("/state") == before
