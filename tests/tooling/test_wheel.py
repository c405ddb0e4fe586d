"""The wheel that goes into the container is whole."""

import subprocess
import sys
import tomllib
import zipfile

from dev import ROOT


def test_the_wheel_holds_every_file_of_its_packages(tmp_path):
    """Pages, texts, maps and migrations come along, and the tests do not."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    document = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = document["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    files = (path for package in packages for path in (ROOT / package).rglob("*"))
    wanted = {
        str(path.relative_to(ROOT))
        for path in files
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == wanted
