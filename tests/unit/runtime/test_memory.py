"""What is left over by loading is given back; where nobody can be told, nothing happens."""

import ctypes

from gateway.adapters.registry import adapter_class
from runtime import memory


def test_giving_back_is_harmless_anywhere(monkeypatch):
    """Again and again, and on systems whose library knows no such call or cannot be asked."""
    memory.give_back()
    memory.give_back()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    memory.give_back()
    monkeypatch.setattr(ctypes, "CDLL", _refusing)
    memory.give_back()


def test_a_protocol_is_loaded_once(monkeypatch):
    """Memory is looked after when a kind is first needed, not whenever a target is opened."""
    adapter_class("ssh")
    asked = []
    monkeypatch.setattr("gateway.adapters.registry.give_back", lambda: asked.append("again"))
    assert adapter_class("ssh").kind == "ssh"
    assert asked == []


def _refusing(_: object) -> object:
    raise OSError
