"""The suite runs against a target that is only named, as it would against a customer's."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conformance.harness_ministra import MinistraHarness
from tests.conformance.named import ENVIRONMENT

ITSELF = "tests/conformance/test_ministra.py::TestRealMinistra"


def test_the_suite_runs_against_a_named_target_and_cleans_up(tmp_path: Path) -> None:
    """With CONFORMANCE_TARGET set the checks of state pass there, and no account is left behind."""
    portal = MinistraHarness("5.1.1")
    portal.start()
    try:
        login, password = portal.secrets()
        file = tmp_path / "target.toml"
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
        ended = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:xdist",
                "-p",
                "no:cacheprovider",
                ITSELF,
            ],
            env={**os.environ, ENVIRONMENT: str(file)},
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "this target cannot be hurt" in ended.stdout
        assert int(ended.stdout.rsplit(" passed", 1)[0].split()[-1].strip(",")) >= 15
        left = portal.simulator.admin("/state")["accounts"]
        assert [row["login"] for row in left] == []
        assert portal.simulator.journal(changed="1")
    finally:
        portal.stop()
