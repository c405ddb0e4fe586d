"""The source keeps the rules of the house, and the checks see what breaks them."""

import tomllib
from pathlib import Path

import pytest

from tests.architecture import banned, purity, sizes, source, words


@pytest.fixture(scope="module")
def rooms() -> list[source.Module]:
    """Read what is shipped and what stands around it, once for all checks, and forget it then."""
    return list(source.modules())


def kinds_of(pyproject: Path) -> dict[str, str]:
    """Read the registered kinds and the module of each."""
    groups = tomllib.loads(pyproject.read_text("utf-8"))["project"].get("entry-points", {})
    return {
        kind: target.partition(":")[0]
        for name, group in groups.items()
        if name.startswith("boxoffice.")
        for kind, target in group.items()
    }


def test_time_chance_and_the_client_come_from_runtime(rooms):
    """No shipped module asks the clock, chance or the network on its own."""
    assert source.report(banned.all_banned(rooms)) == ""


def test_pure_modules_stay_pure(rooms):
    """The shared language, the models, the states and the wishes import nothing that acts."""
    assert source.report(purity.all_impure(rooms)) == ""


def test_every_word_is_at_home(rooms):
    """Billing knows no vendor, the gateway no money, and no name ends in a filler."""
    assert source.report(words.all_foreign(rooms)) == ""


def test_kinds_are_named_by_data_alone(rooms):
    """A kind of target or provider is a word in the operator's files, not in our code."""
    kinds = kinds_of(source.ROOT / "pyproject.toml")
    found = [finding for module in rooms for finding in words.named_kinds(module, kinds)]
    assert source.report(found) == ""


def test_files_and_functions_keep_their_budget(rooms):
    """No file, function or module docstring is longer than the house allows."""
    tools = source.parse("dev", (source.ROOT / "dev.py").read_text())
    assert source.report(sizes.all_oversized([*rooms, *source.modules(["tests"]), tools])) == ""


@pytest.mark.parametrize(
    "line",
    [
        "import datetime\nx = datetime.datetime.now()",
        "from datetime import datetime as d\nx = d.now",
        "from datetime import date\nx = date.today()",
        "import time as t\nx = t.time()",
        "from time import time",
        "from asyncio import sleep",
        "import asyncio\nx = asyncio.sleep(1)",
        "import uuid\nx = uuid.uuid4()",
        "from uuid import uuid4 as fresh",
        "import random",
        "from random import choice",
        "import aiohttp\nx = aiohttp.ClientSession()",
        "from aiohttp import ClientSession",
        "import tenacity",
        "from tenacity import retry",
        "def f():\n    from tenacity.wait import wait_fixed",
    ],
)
def test_a_banned_call_is_seen(line):
    """However it is imported, a banned name is found in a shipped module."""
    assert banned.banned(source.parse("billing.flows.planted", line))
    assert not banned.banned(source.parse("simulators.planted", line))


def test_the_home_of_a_banned_name_may_use_it():
    """runtime.retry imports tenacity; the module beside it may not."""
    assert not banned.banned(source.parse("runtime.retry", "import tenacity"))
    assert banned.banned(source.parse("runtime.http", "import tenacity"))


def test_a_method_of_our_clock_is_no_banned_call():
    """Only imported names count: clock.now() of a given clock is how it should be."""
    text = "def f(clock, time):\n    return clock.now(), time.time"
    assert not banned.banned(source.parse("billing.flows.planted", text))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("terms.planted", "import runtime.clock"),
        ("terms.planted", "import socket"),
        ("terms.planted", "import sqlalchemy"),
        ("billing.dunning.model", "from runtime.store import unit"),
        ("billing.dunning.model", "from billing.dunning import store"),
        ("billing.dunning.model", "from billing.accounts.reading import row"),
        ("billing.dunning.model", "import time"),
        ("billing.dunning.model", "from sqlalchemy import select"),
        ("gateway.adapters.state", "from gateway.adapters.sdk import Adapter"),
        ("gateway.adapters.sdk", "from gateway.adapters.registry import kinds"),
        ("gateway.adapters.sdk", "import runtime.http"),
        ("gateway.provisioning.routing", "from gateway.inventory.model import Box"),
        ("gateway.provisioning.compose", "from gateway.inventory.store import boxes"),
        ("gateway.provisioning.compose", "from gateway.provisioning import orders"),
    ],
)
def test_an_impure_import_is_seen(name, line):
    """A pure module that reaches beyond its short list is found."""
    assert purity.impure(source.parse(name, line))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("billing.dunning.model", "from terms.money import Money"),
        ("billing.dunning.model", "from terms import money"),
        ("billing.dunning.model", "from billing.accounts.model import Account"),
        ("billing.dunning.model", "from billing.accounts import model"),
        ("billing.dunning.model", "from datetime import date"),
        ("gateway.provisioning.compose", "from gateway.inventory.model import Box"),
        ("gateway.provisioning.compose", "from gateway.adapters.state import ViewerState"),
        ("billing.dunning.store", "from sqlalchemy import select"),
    ],
)
def test_a_pure_import_is_let_through(name, line):
    """What the design allows is not reported."""
    assert not purity.impure(source.parse(name, line))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("billing.accounts.model", "stb_mac = 1"),
        ("billing.accounts.model", "def f(mac): ..."),
        ("billing.accounts.store", "Column('tariff_plan')"),
        ("billing.accounts.model", "class StalkerAccount: ..."),
        ("billing.accounts.model", "x = row.tr069_url"),
        ("billing.payments.model", "stripe_id = 1"),
        ("billing.ministra", "x = 1"),
        ("gateway.provisioning.compose", "f(invoice=1)"),
        ("gateway.inventory.store", "x = {'unit_price': 1}"),
        ("gateway.inventory.model", "from terms.money import Money"),
        ("gateway.inventory.model", "taxRate = 1"),
        ("gateway.reads.boxes", "async def payment_state(): ..."),
        ("runtime.store.unit", "class UnitManager: ..."),
        ("runtime.utils", "x = 1"),
    ],
)
def test_a_foreign_word_is_seen(name, text):
    """Vendor words in billing, money words in the gateway and fillers are found."""
    assert words.all_foreign([source.parse(name, text)])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("billing.accounts.model", "import hmac\nmachine = hmac.new"),
        ("billing.payments.providers.stripe", "stripe_id = 1"),
        ("gateway.adapters.middleware.ministra", "tariff_plan, price = 1, 2"),
        ("gateway.provisioning.compose", "syntax = taxonomy = priceless = 1"),
        ("gateway.provisioning.compose", "text = 'says that an invoice is due'"),
        ("terms.money", "class Database: ..."),
    ],
)
def test_a_word_at_home_is_let_through(name, text):
    """Only whole words count, and only where they do not belong."""
    assert not words.all_foreign([source.parse(name, text)])


def test_a_named_kind_is_seen():
    """A constant with a kind's name is found everywhere but in its own module."""
    kinds = {"ministra": "gateway.adapters.middleware.ministra"}
    text = "kind = 'ministra'"
    assert words.named_kinds(source.parse("app.wiring", text), kinds)
    assert not words.named_kinds(source.parse("demo.story", text), kinds)
    assert not words.named_kinds(source.parse("gateway.adapters.middleware.ministra", text), kinds)


def test_an_oversized_part_is_seen():
    """A file, a function and a docstring over the budget are each found."""
    body = "\n".join(f"    x{number} = {number}" for number in range(61))
    assert sizes.oversized(source.parse("app.planted", f"def f():\n{body}\n"))
    assert sizes.oversized(source.parse("app.planted", "x = 1\n" * 401))
    assert not sizes.oversized(source.parse("simulators.planted", "x = 1\n" * 401))
    assert sizes.oversized(source.parse("simulators.planted", "x = 1\n" * 601))
    assert sizes.oversized(source.parse("app.planted", '"""Seven' + "\n." * 6 + '"""\n'))


def test_comments_blanks_and_docstrings_are_no_code():
    """A function's length counts what it does, not what it explains."""
    body = "\n".join(f"    # reason {number}\n\n    x{number} = 1" for number in range(50))
    text = f'def f():\n    """Explain.\n\n{"    more" * 3}\n    """\n{body}\n'
    assert not sizes.oversized(source.parse("app.planted", text))
