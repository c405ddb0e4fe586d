"""No call is begun behind a fence that is shut."""

import pytest

from gateway.provisioning.fence import FencedDoor, fenced
from terms.http import Answer
from tests.unit.adapters.door import Recorder

YES = Answer(status=200, headers={}, body=b"")


class Shut(Exception):
    """Nobody may call."""


def shut() -> None:
    """Let nobody through."""
    raise Shut


async def test_no_call_is_begun_where_the_check_fails() -> None:
    """The check is asked before each call within, and never outside."""
    inner = Recorder(lambda _, __: YES)
    door = FencedDoor(inner)
    with fenced(shut), pytest.raises(Shut):
        await door.call("PUT", "http://a/b")
    assert inner.calls == []
    with fenced(lambda: None):
        await door.call("PUT", "http://a/b")
    await door.call("GET", "http://a/b")
    assert [method for method, _ in inner.calls] == ["PUT", "GET"]
