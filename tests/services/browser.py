"""Finds the Chromium that looks at the pages: named by the person, or the system's own."""

import os
import shutil
from pathlib import Path

ENVIRONMENT = "BOXOFFICE_TEST_CHROMIUM"
NAMES = (
    "chromium-headless-shell",  # the same, without a window: half the work
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
APPLICATIONS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
MISSING = (
    "no Chromium: install one (Debian: `apt-get install chromium-headless-shell`) "
    f"or set {ENVIRONMENT}"
)


def find_chromium() -> Path | None:
    """Return the browser's executable; None where there is none."""
    named = os.environ.get(ENVIRONMENT)
    candidates = [named] if named else [*map(shutil.which, NAMES), *APPLICATIONS]
    for candidate in candidates:
        if candidate and os.access(candidate, os.X_OK):
            return Path(candidate)
    return None


def launch_flags() -> list[str]:
    """Return the options Chromium needs on this machine."""
    flags = ["--disable-dev-shm-usage", "--disable-gpu"]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")  # Chromium refuses to run as root with its sandbox
    return flags
