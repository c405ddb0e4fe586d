"""An operator's day on which the process dies again and again, the portal and the wire with it."""

import random
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.flows.app.operation import Operation, operation, until
from tests.flows.app.operator import contract_of
from tests.flows.app.product import Refused

HOUSEHOLDS = range(1, 13)
DEATHS = 25
FAULTS = ("slow:150ms", "error:503:count=6", "half:connection:count=4", "reset:count=4")
MONTH = "31d"

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_day_of_deaths_ends_as_a_quiet_one(tmp_path: Path, seed: int):
    """Who owes nothing watches, who was never paid for does not; no payment is lost or doubled."""
    dice = random.Random(seed)
    with operation(tmp_path / "operation") as running:
        running.product.start()
        running.sign_up(HOUSEHOLDS)
        for _ in range(DEATHS):
            misfortune(running, dice)
            time.sleep(dice.uniform(0, 0.8))
            running.product.kill()
            running.product.start()
        running.portal.admin("/faults", {"clear": True})
        for number in HOUSEHOLDS:
            if owed(running, number):
                running.pay(number)
        until(lambda: not any(owed(running, number) for number in HOUSEHOLDS), "all is paid")
        # Rows that met a fault wait out their back-off first.
        until(lambda: all(is_on(running, number) for number in HOUSEHOLDS), "all pictures are on")
        running.product.rest()
        for number in HOUSEHOLDS:
            check_money(running, number)
        check_books(running.product.database)
        assert running.product.stop() == 0


def misfortune(running: Operation, dice: random.Random) -> None:
    """Let a few things happen at once; whoever asks a dying process hears nothing."""
    for _ in range(dice.randint(1, 4)):
        with suppress(OSError, Refused):
            dice.choice([pay_some, pay_some, pay_some, break_something, let_time_pass])(
                running, dice
            )


def pay_some(running: Operation, dice: random.Random) -> None:
    """Have one household pay, if it owes anything."""
    number = dice.choice(HOUSEHOLDS)
    if owed(running, number):
        running.pay(number)


def break_something(running: Operation, dice: random.Random) -> None:
    """Give the portal another fault than before."""
    running.portal.admin("/faults", {"clear": True})
    running.portal.admin("/faults", {"spec": dice.choice(FAULTS)})


def let_time_pass(running: Operation, dice: random.Random) -> None:
    """Move on by a month, now and then."""
    if dice.random() < 0.2:
        running.product.ask("POST", "clock/advance", {"by": MONTH})


def owed(running: Operation, number: int) -> int:
    """What a household owes, in minor units."""
    return int(running.view(number)["owed"]["amount_minor"])


def is_on(running: Operation, number: int) -> bool:
    """Whether a household watches, as the portal says."""
    return bool(running.at_portal(number)["status"] == 1)


def check_money(running: Operation, number: int) -> None:
    """Every charge at the provider is one payment in the books, and nothing else is."""
    charged = sorted(one["amount"] for one in running.charges(number))
    payments = running.view(number)["payments"]
    assert sorted(one["amount"]["amount_minor"] for one in payments) == charged, contract_of(number)


def check_books(database: Path) -> None:
    """Every posting sums to zero."""
    with closing(sqlite3.connect(database)) as books:
        query = "SELECT DISTINCT sum(amount_minor) FROM entry GROUP BY posting_id"
        assert books.execute(query).fetchall() == [(0,)]
