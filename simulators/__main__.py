"""`python -m simulators KIND`: serve one simulated system until SIGTERM.

Prints one JSON line when it is ready, {"kind", "admin_url"} and where callers find the system, and
nothing else to stdout.
"""

import argparse
import asyncio
import importlib
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
from aiohttp import web

from simulators.admin import Admin
from simulators.clock import SkewedClock
from simulators.faults import BadFault, Faults, parse
from simulators.journal import ENTRIES_MAX, Journal
from simulators.listening import listening, place, why
from simulators.simulator import BadOperation, Maker, Stage

# kind -> module, imported only when asked for. It has make(stage, state), and where the kind has
# options of its own add_options(parser); what they say stands in the state under their names.
KINDS = {
    "cwmp": "simulators.stb.cwmp",
    "fleet": "simulators.stb.fleet",
    "gocardless": "simulators.payments.gocardless",
    "mail": "simulators.mail",
    "ministra": "simulators.middleware.ministra",
    "snmp": "simulators.stb.snmp",
    "ssh": "simulators.stb.ssh",
    "stripe": "simulators.payments.stripe",
    "twilio": "simulators.sms.twilio",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and tell the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    module = _module(words)
    common, own = _parsed(words, module)
    try:
        return asyncio.run(_serve(common, own, module))
    except (BadOperation, BadFault, OSError) as error:
        sys.stderr.write(f"simulators: {error}\n")
        return 1


def _module(words: Sequence[str]) -> ModuleType:
    """Find the kind's module; without a known kind the parser will say what is wrong."""
    kind = next((word for word in words if word in KINDS), "")
    return importlib.import_module(KINDS.get(kind, "simulators"))


def _parsed(
    words: Sequence[str], module: ModuleType
) -> tuple[argparse.Namespace, Mapping[str, Any]]:
    """Read the options common to all kinds, and those given of the kind's own."""
    parser = _options()
    shared = {action.dest for action in parser._actions}  # noqa: SLF001 - no public list of them
    if hasattr(module, "add_options"):
        module.add_options(parser)
    options = parser.parse_args(words)
    given = {name: value for name, value in vars(options).items() if value is not None}
    return options, {name: value for name, value in given.items() if name not in shared}


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulators", description=__doc__)
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--admin-port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--state", type=Path, help="JSON file with the state at the start")
    parser.add_argument("--faults", default="", help='for instance "error:503:count=3;slow:20ms"')
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--journal-max", type=int, default=ENTRIES_MAX, help="entries kept")
    return parser


def _stage(options: argparse.Namespace) -> Stage:
    faults = Faults()
    faults.add(parse(options.faults))
    return Stage(
        journal=Journal(options.journal_max),
        clock=SkewedClock(),
        faults=faults,
        latency_s=options.latency_ms / 1000,
        host=options.host,
        port=options.port,
    )


def _state(path: Path | None) -> Mapping[str, Any]:
    if path is None:
        return {}
    try:
        state = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        raise BadOperation(f"--state: there is no file {path}") from None
    except OSError as error:
        raise BadOperation(f"--state: {path} cannot be read: {why(error)}") from None
    except orjson.JSONDecodeError as error:
        raise BadOperation(f"{path}: {error}") from None
    if not isinstance(state, dict):
        raise BadOperation(f"{path}: a JSON object is expected")
    return state


async def _serve(options: argparse.Namespace, own: Mapping[str, Any], module: ModuleType) -> int:
    told_to_stop = _stop_signal()
    stage = _stage(options)
    make: Maker = module.make
    faces = make(stage, {**_state(options.state), **own})
    runner = web.AppRunner(Admin(stage, faces).application(), access_log=None)
    await runner.setup()
    try:
        await faces.start()
        site = web.TCPSite(runner, options.host, options.admin_port, shutdown_timeout=1.0)
        with listening(options.host, options.admin_port):
            await site.start()
        admin_url = f"http://{place(options.host, _port(runner))}"
        _announce({"kind": options.kind, **faces.told(), "admin_url": admin_url})
        await told_to_stop.wait()
    finally:
        await runner.cleanup()
        await faces.stop()
    return 0


def _port(runner: web.AppRunner) -> int:
    port: int = runner.addresses[0][1]
    return port


def _announce(told: Mapping[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(told).decode() + "\n")
    sys.stdout.flush()


def _stop_signal() -> asyncio.Event:
    """Make an event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


if __name__ == "__main__":
    sys.exit(main())
