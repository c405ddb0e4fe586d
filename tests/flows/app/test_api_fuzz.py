"""Strangers' questions: what is served keeps to its own description, whatever is asked.

The asker is another program: it reads the description that is served, tries what lies at and beyond
every limit, then anything at random, alike in every run.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.web import openapi
from tests.flows.app.served import Served

ROOT = Path(__file__).resolve().parents[3]
ASKER = str(Path(sys.executable).with_name("schemathesis"))
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "ignored_auth",
)
# Deadlines of systems that do not answer: asked in other tests, where these do.
SLOW = r"/(probe|scan|pay-link|methods|restart|message)$"
# What is really there, so that a question gets beyond "not found".
KNOWN = """
[parameters]
"path.contract" = ["200001", "200002", "200003"]
"path.serial" = ["HT2-00001", "HT2-00002"]
"path.name" = "portal-north"
"""


async def asked(served: Served, folder: Path, *words: str) -> tuple[int, str]:
    """Have everything asked; returns the exit code and what was found."""
    (folder / "schemathesis.toml").write_text(KNOWN)
    process = await asyncio.create_subprocess_exec(
        *(ASKER, "--config-file", "schemathesis.toml", "run"),
        f"{served.url}/api/openapi.json",
        *("--header", f"Authorization: Bearer {served.token}"),
        *("--checks", ",".join(CHECKED), "--exclude-path-regex", SLOW),
        *("--workers", "1", "--seed", "1"),
        *("--generation-deterministic", "--no-color"),
        *("--continue-on-failure", "--max-failures", "40", "--warnings", "off", *words),
        cwd=folder,
        env=plain_environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    return process.returncode or 0, told.decode()


def plain_environment() -> Mapping[str, str]:
    """Keep what a program needs, and no settings of anybody; what is known of Unicode is shared."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    known = {"HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / ".hypothesis")}
    return known | {name: os.environ[name] for name in kept if name in os.environ}


@pytest.mark.timeout(240)
async def test_no_question_breaks_the_api(counter, tmp_path):
    """No 5xx, no status or shape that is not described, nothing taken that is told to be wrong."""
    # What lies at a limit is the same question on either engine; what is found there is not.
    phases = "coverage,fuzzing" if counter.house.store.is_sqlite else "fuzzing"
    code, told = await asked(counter, tmp_path, "--phases", phases, "--max-examples", "3")
    assert code == 0, told


async def test_what_is_described_wrongly_is_found(served, tmp_path, monkeypatch):
    """The asker is no friend: a limit that is described and not kept comes out."""
    told = openapi.text().replace('"maximum": 500', '"maximum": 40', 1)
    assert told != openapi.text()
    monkeypatch.setattr("app.web.describing.text", lambda: told)
    only = ("--include-operation-id", "accounts.listing", "--phases", "coverage")
    code, found = await asked(served, tmp_path, *only)
    assert code == 1
    assert "ST201 Schema-violating request accepted" in found
