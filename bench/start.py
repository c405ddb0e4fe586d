"""How soon the command line answers, and how much memory the product takes.

The limit of the help is Python itself, started to do nothing. The memory is the most that the
product has held while it took an operator over and brought all households to their portal.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.product import BOXOFFICE, Failed, command, new_ssh_key, serving
from bench.report import Result, at_most
from bench.simulator import running

STARTS = 9
HELP_S = 0.3
RSS_MB = 150.0
OPERATOR = Path(__file__).parents[1] / "demo" / "operators" / "harbour"


async def run() -> list[Result]:
    """Measure both."""
    return [help_s(), at_most("rss_mb", await rss_mb(), unit="MB", target=RSS_MB)]


def help_s() -> Result:
    """Time `boxoffice --help`: the median of several, in turns with an empty Python."""
    help_times, empty_times = [], []
    for number in range(STARTS + 1):
        took = _timed([BOXOFFICE, "--help"]), _timed([sys.executable, "-c", "pass"])
        if number:  # the first one warms up
            help_times.append(took[0])
            empty_times.append(took[1])
    value, limit = statistics.median(help_times), statistics.median(empty_times)
    return Result(
        case="help_s",
        value=round(value, 3),
        unit="s",
        limit=round(limit, 3),
        ratio=round(limit / value, 3),
        target=HELP_S,
        ok=value <= HELP_S,
    )


async def rss_mb() -> float:
    """Run the product through an import; return the most memory it held."""
    states = OPERATOR / "simulators"
    portal_state = json.loads((states / "portal.json").read_text("utf-8"))
    provider_state = json.loads((states / "provider.json").read_text("utf-8"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            running("ministra", portal_state) as portal,
            running("stripe", provider_state) as provider,
            serving(folder) as product,
        ):
            login, password = portal_state["api"]["basic_auth"]
            world = {
                "PORTAL_URL": portal.url,
                "PORTAL_LOGIN": login,
                "PORTAL_PASSWORD": password,
                "PROVIDER_URL": provider.url,
                "PROVIDER_KEY": provider_state["api_keys"][0],
                "PROVIDER_WEBHOOK_SECRET": "whsec_of_the_bench",
                "BOXES_SSH_KEY": new_ssh_key(),
            }
            await command(folder, ["import", *_files()], world)
            await product.rest()
            if not await portal.calls():
                raise Failed("nothing was brought to the portal")
            async with product.session.get(f"{product.url}/") as page:
                await page.read()
            return _most_kb(product.pid) / 1024


def _timed(words: Sequence[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own program
    return time.perf_counter() - begun


def _most_kb(pid: int) -> int:
    """Tell the most memory a process has held; where the system forgets that, what it holds now."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        lines = status.read_text("utf-8").splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
    words = ["ps", "-o", "rss=", "-p", str(pid)]
    done = subprocess.run(words, check=True, capture_output=True)  # noqa: S603 - as above
    return int(done.stdout)


def _files() -> list[str]:
    """Give the operator's files without the boxes, which his households have in years to come."""
    own = [*OPERATOR.glob("*.csv"), OPERATOR / "operator.toml"]
    return sorted(str(path) for path in own if path.name != "boxes.csv")
