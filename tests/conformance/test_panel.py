"""The suite runs against a target that is only named, as it would against a customer's."""

import asyncio
import runpy
from pathlib import Path
from unittest import SkipTest

import pytest

from gateway.adapters.conformance import CHECKS
from tests.conformance.harness_ministra import MinistraHarness
from tests.conformance.named import ENVIRONMENT


def written(file: Path, portal: MinistraHarness) -> Path:
    """Write the file that an operator would."""
    login, password = portal.secrets()
    file.write_text(
        f"""
kind = "ministra"
prefix = "99"
tariffs = ["basic", "premium"]
packages = ["sport", "kids"]

[options]
base_url = "{portal.simulator.url}"
login = "{login}"
password = "{password}"
"""
    )
    return file


def test_the_suite_runs_against_a_named_target_and_cleans_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With CONFORMANCE_TARGET set the checks of state pass there, and no account is left behind."""
    portal = MinistraHarness("5.1.1")
    portal.start()
    try:
        monkeypatch.setenv(ENVIRONMENT, str(written(tmp_path / "target.toml", portal)))
        suite = runpy.run_path("tests/conformance/test_ministra.py")["TestRealMinistra"]
        suite.setup_class()
        skipped = set()
        for check in CHECKS.values():
            try:
                asyncio.run(check.run(suite.harness))
            except SkipTest:
                skipped.add(check.name)
        suite.teardown_class()
        assert {name for name in CHECKS if name.startswith("fault_")} <= skipped
        assert len(CHECKS) - len(skipped) >= 15
        assert "every_field_there_and_back" not in skipped
        assert portal.simulator.admin("/state")["accounts"] == []
        assert portal.simulator.journal(changed="1")
    finally:
        portal.stop()


def test_without_a_named_target_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's portal is touched unless it is named."""
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    assert "TestRealMinistra" not in runpy.run_path("tests/conformance/test_ministra.py")
