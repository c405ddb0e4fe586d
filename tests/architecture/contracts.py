"""Checks the import contracts in `.importlinter`: `python -m tests.architecture.contracts`.

Contracts name every room of the design, also those nobody has built yet. import-linter refuses
names that do not exist, so they are left out here, and said aloud.
"""

import subprocess
import sys
import tempfile
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ".importlinter"
MODULE_LISTS = (
    "root_packages",
    "containers",
    "modules",
    "source_modules",
    "forbidden_modules",
    "protected_modules",
    "allowed_importers",
)


def exists(root: Path, expression: str) -> bool:
    """Tell whether the part of a module expression before its first wildcard is there."""
    parts: list[str] = []
    for part in expression.split("."):
        if "*" in part:
            break
        parts.append(part)
    path = root.joinpath(*parts)
    return (path / "__init__.py").is_file() or path.with_suffix(".py").is_file()


def read(root: Path) -> ConfigParser:
    """Read the contracts."""
    contracts = ConfigParser(interpolation=None)
    contracts.read_string((root / CONFIG).read_text("utf-8"))
    return contracts


def leave_out(root: Path, contracts: ConfigParser) -> list[str]:
    """Take what does not exist out of the contracts; return the names taken out."""
    absent: set[str] = set()
    for section in contracts.sections():
        for option in MODULE_LISTS:
            names = contracts.get(section, option, fallback="").split()
            present = [name for name in names if exists(root, name)]
            absent.update(set(names) - set(present))
            if names and not present:
                contracts.remove_section(section)
                break
            if names:
                contracts.set(section, option, "\n" + "\n".join(present))
    return sorted(absent)


def lint(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Check the contracts on the tree below the root; the options go to import-linter."""
    contracts = read(root)
    absent = leave_out(root, contracts)
    with tempfile.TemporaryDirectory(prefix="boxoffice-contracts-") as folder:
        config = Path(folder) / "contracts.ini"
        with config.open("w") as file:
            contracts.write(file)
        linter = Path(sys.executable).with_name("lint-imports")
        done = subprocess.run(
            [linter, "--no-cache", "--config", config, *options],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
    if absent:
        done.stdout += f"\nNot built yet, so not checked: {', '.join(absent)}\n"
    return done


def main() -> int:
    """Print what import-linter says and return its exit code."""
    done = lint(ROOT, "--no-logo")
    sys.stdout.write(done.stdout + done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
