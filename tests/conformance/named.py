"""The real target that CONFORMANCE_TARGET names, where the suite is to run against one."""

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ENVIRONMENT = "CONFORMANCE_TARGET"


def described(kind: str) -> Mapping[str, Any]:
    """Read the file that the environment names; empty where it is of another kind, or none."""
    file = _file()
    return file if file.get("kind") == kind else {}


def hosts() -> Sequence[str]:
    """Name the host that the tests may talk to besides this machine."""
    file = _file()
    return [urlsplit(file["options"]["base_url"]).hostname or ""] if file else []


def _file() -> Mapping[str, Any]:
    path = os.environ.get(ENVIRONMENT)
    return tomllib.loads(Path(path).read_text()) if path else {}
