"""`python -m demo [--once] [--json] [--break STEP [--mend]] [--operator DIR] [--data-dir DIR]`.

Tells one operator's story against simulators and proves every step. With --once it ends after the
story, with exit code 0 only when every step was proven; else the system stays up until Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from demo.operator import read_operator
from demo.proof import Proof, StoryError
from demo.stage import Stage, new_owner, stage
from demo.steps import STEPS
from demo.story import read_story
from demo.tell import is_whole, tell
from demo.timeline import Timeline

HARBOUR = Path(__file__).parent / "operators" / "harbour"
DONE, FAILED, MISUSED = 0, 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and tell the exit code."""
    options = _options().parse_args(arguments)
    # With --json the proofs have standard output to themselves.
    timeline = Timeline(Console(stderr=options.json, highlight=False))
    try:
        with _folder(options.data_dir) as folder:
            return asyncio.run(_until_stopped(options, timeline, folder))
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        timeline.complain(f"demo: {what}{(error.strerror or str(error)).lower()}")
        return FAILED
    except (StoryError, KeyError, ValueError) as error:
        timeline.complain(f"demo: {error}")
        return FAILED
    except KeyboardInterrupt:
        return FAILED


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="boxoffice demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the story")
    parser.add_argument("--json", action="store_true", help="print the proofs as JSON")
    parser.add_argument(
        "--break",
        dest="spoil",
        metavar="STEP",
        type=int,
        choices=range(1, len(STEPS) + 1),
        action="append",
        default=[],
        help=f"spoil a step (1 to {len(STEPS)}), so that it cannot be proven",
    )
    parser.add_argument("--mend", action="store_true", help="put right what was spoiled, and go on")
    parser.add_argument("--operator", type=Path, default=HARBOUR, help="folder of the operator")
    parser.add_argument("--data-dir", type=Path, help="empty folder to keep; else a fresh one")
    return parser


@contextlib.contextmanager
def _folder(wanted: Path | None) -> Iterator[Path]:
    """Give a folder for the product's data: the one asked for, or one that is gone afterwards."""
    if wanted is None:
        with tempfile.TemporaryDirectory(prefix="boxoffice-demo-") as fresh:
            yield Path(fresh)
        return
    wanted.mkdir(parents=True, exist_ok=True)
    if any(wanted.iterdir()):
        raise StoryError(f"{wanted} is not empty: the story begins with an empty folder")
    yield wanted.resolve()


async def _until_stopped(options: argparse.Namespace, timeline: Timeline, folder: Path) -> int:
    """Tell the story; a signal to stop ends it like any other end, all processes with it."""
    telling = asyncio.ensure_future(_told(options, timeline, folder))
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if not telling.cancelling():  # an impatient second signal does not disturb the tidying up
            telling.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    try:
        return await telling
    except asyncio.CancelledError:
        return FAILED


async def _told(options: argparse.Namespace, timeline: Timeline, folder: Path) -> int:
    operator = read_operator(options.operator.resolve())
    story = read_story(operator)
    timeline.headline(f"Boxoffice shows {operator.name}, {operator.subscribers} households")
    began_at = time.monotonic()
    async with stage(operator, story, folder, timeline) as ready:
        set_up_at = time.monotonic()
        _introduce(ready, timeline, set_up_at - began_at)
        proofs = await tell(ready, timeline, spoil=options.spoil, mends=options.mend)
        whole = is_whole(proofs)
        if options.json:
            _print(_report(ready, proofs, set_up_at - began_at, time.monotonic() - set_up_at))
        _conclude(timeline, proofs, time.monotonic() - set_up_at)
        if not options.once:
            await _stay_up(ready, timeline)
    return DONE if whole else FAILED


def _introduce(ready: Stage, timeline: Timeline, took_s: float) -> None:
    timeline.note(
        f"Set up in {took_s:.1f} s: product {ready.product.url}, portal {ready.portal.url}, "
        f"payment provider {ready.provider.url}"
    )


def _conclude(timeline: Timeline, proofs: Sequence[Proof], took_s: float) -> None:
    count = sum(proof.is_proven for proof in proofs)
    timeline.note("")
    timeline.headline(f"{count} of {len(STEPS)} steps proven in {took_s:.1f} s")


async def _stay_up(ready: Stage, timeline: Timeline) -> None:
    """Leave everything running until somebody stops it, which is no failure any more."""
    for name, address in _addresses(ready).items():
        timeline.note(f"  {name:<16} {address}")
    name, password = await new_owner(ready.parts)
    timeline.note(f"  {'owner':<16} {name}, password {password}: sign in at the console")
    who = ready.technician
    timeline.note(f"  {'technician':<16} {who.name}, password {who.password}")
    if email := ready.operator.email:
        timeline.note(f"  {'subscriber':<16} {email}: the code comes to the mail catcher")
    timeline.note("Everything stays up until Ctrl-C.")
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


def _addresses(ready: Stage) -> dict[str, str]:
    return {
        "console": ready.console,
        "api": f"{ready.product.url}/api/v1/",
        "field": f"{ready.product.url}/field/",
        "subscribers": f"{ready.product.url}/portal/",
        "api token file": str(ready.token_file),
        "portal": ready.portal.url,
        "provider": ready.provider.url,
        "mail catcher": ready.mail.url,
        **{f"{name} admin": one.admin_url for name, one in ready.simulators.items()},
        "mail admin": ready.mail.admin_url,
    }


def _report(ready: Stage, proofs: Sequence[Proof], setup_s: float, took_s: float) -> dict[str, Any]:
    return {
        "operator": ready.operator.name,
        "proven": is_whole(proofs),
        "setup_s": round(setup_s, 3),
        "took_s": round(took_s, 3),
        "product_peak_mb": _peak_mb(ready.product_pid),
        "commands": list(ready.commands),
        "simulators": sorted(ready.simulators),
        "addresses": _addresses(ready),
        "proofs": [proof.shown() for proof in proofs],
    }


def _peak_mb(pid: int) -> float | None:
    """Read the most memory a process has held; None where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    except OSError:
        return None
    (peak,) = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return round(int(peak) / 1024, 1)


def _print(report: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
