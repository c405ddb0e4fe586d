"""A process killed anywhere between a payment and its picture loses nothing and repeats nothing."""

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from runtime.crash import AT, LOG, POINTS
from tests.flows.app.operation import Operation, operation, until
from tests.flows.app.operator import contract_of

pytestmark = pytest.mark.timeout(300)  # it starts many processes

KILLED = -signal.SIGKILL
# All but the one where something is about to be done at a box that calls, those of messages, and
# those inside a batch that is settled, at which a bill run is killed.
POINTS_ELSEWHERE = ("after_begin", "after_record", "after_send", "before_settle", "after_decide")
POINTS_ON_THE_WAY = tuple(point for point in POINTS if point not in POINTS_ELSEWHERE)
BOXES = len(POINTS_ON_THE_WAY) + 2
DEBTOR = BOXES + 1
MONTH, TOLD, WEEK = "31d", "3d", "7d"
BOX = "ssh"
# Reached by the box alone while its portal does not answer.
POINTS_OF_A_BOX = ("after_call", "after_readback")
# Where a notice and a darkening are on their way at the same time.
POINTS_WITH_A_NOTICE = ("after_settle", "after_call")


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operation]:
    """An operator at rest: a household with a box for each point, dark until it pays."""
    folder = tmp_path_factory.mktemp("crash") / "operation"
    with operation(folder, boxes={BOX: BOXES}) as running:
        running.product.start()
        running.sign_up(range(1, BOXES + 1), BOX)
        assert running.product.stop() == 0
        yield running


@pytest.fixture
def debtor(tmp_path: Path) -> Iterator[Operation]:
    """An operator at rest whose one household watches, and has not paid its newest invoice."""
    with operation(tmp_path / "operation") as running:
        running.product.start()
        running.sign_up([DEBTOR])
        running.pay(DEBTOR)
        until(lambda: running.at_portal(DEBTOR)["status"] == 1, "the picture is on")
        running.product.rest()
        for step in (MONTH, TOLD):  # up to the ladder's first notice
            running.product.ask("POST", "clock/advance", {"by": step})
            running.product.rest()
        assert running.product.stop() == 0
        yield running


@pytest.mark.parametrize("point", POINTS_ON_THE_WAY)
def test_killed_on_the_way_from_a_payment_to_its_picture(
    operator: Operation, point: str, tmp_path: Path
):
    """Killed at any point and started again: portal and box are on, written once, paid once."""
    number = POINTS_ON_THE_WAY.index(point) + 1
    mark, mark_of_box = operator.mark(), operator.mark_of(BOX)
    kill_at(operator, point, number, tmp_path / "reached")
    check_on_and_paid_once(operator, number, mark, mark_of_box)


@pytest.mark.parametrize("point", POINTS_OF_A_BOX)
def test_killed_while_a_box_is_told(operator: Operation, point: str, tmp_path: Path):
    """Killed with a box half told and the portal away: both are on in the end, told once."""
    number = len(POINTS_ON_THE_WAY) + POINTS_OF_A_BOX.index(point) + 1
    mark, mark_of_box = operator.mark(), operator.mark_of(BOX)
    operator.portal.admin("/faults", {"spec": "down"})
    kill_at(operator, point, number, tmp_path / "reached")
    operator.portal.admin("/faults", {"clear": True})
    check_on_and_paid_once(operator, number, mark, mark_of_box)


def kill_at(operator: Operation, point: str, number: int, reached: Path) -> None:
    """Have a household pay, and the product killed on the way."""
    operator.product.start(**{AT: point, LOG: str(reached)})
    operator.pay(number)
    assert operator.product.killed() == KILLED
    assert reached.read_text("utf-8").split() == [point]


def check_on_and_paid_once(operator: Operation, number: int, mark: int, mark_of_box: int) -> None:
    """Start again: everything comes on by itself, and nothing was done twice."""
    product = operator.product
    product.start()
    until(lambda: operator.at_portal(number)["status"] == 1, "the picture is on")
    until(lambda: operator.box(number, BOX)["active"], "the box is on")
    until(lambda: all_taken(operator), "the provider was told that all was taken")
    product.rest()
    assert len({entry["call_id"] for entry in operator.writes(number, mark)}) == 1
    told = operator.done_to(number, BOX, mark_of_box)
    words = [name for entry in told for name in entry["after"]]
    assert {"active", "revision"} <= set(words)
    assert len(words) == len(set(words)), told
    check_paid_once(operator, number)
    assert product.stop() == 0


@pytest.mark.parametrize("point", POINTS_WITH_A_NOTICE)
def test_killed_while_a_notice_and_a_darkening_are_on_their_way(
    debtor: Operation, point: str, tmp_path: Path
):
    """Killed while somebody is told and goes dark: dark by one write, and told at most once."""
    product, mark = debtor.product, debtor.mark()
    product.start(**{AT: point, LOG: str(tmp_path / "reached")})
    with suppress(OSError):  # it may be dead before it answers
        product.ask("POST", "clock/advance", {"by": WEEK})
    assert product.killed() == KILLED
    assert (tmp_path / "reached").read_text("utf-8").split() == [point]
    product.start()
    until(lambda: debtor.at_portal(DEBTOR)["status"] == 0, "the picture is off")
    product.rest()
    sent = debtor.messages(DEBTOR, mark)
    assert len(sent) <= 1
    if point == "after_settle":
        assert sent, "nobody had begun to send it"
    assert len({entry["call_id"] for entry in debtor.writes(DEBTOR, mark)}) == 1
    assert product.stop() == 0


def test_killed_while_a_message_is_being_sent(debtor: Operation):
    """Killed between the portal's taking a message and its answer: it is not sent again."""
    product, mark = debtor.product, debtor.mark()
    debtor.portal.admin("/faults", {"spec": "drip:200ms:match=POST stb_msg"})
    product.start()
    product.ask("POST", "clock/advance", {"by": WEEK})
    until(lambda: bool(debtor.messages(DEBTOR, mark)), "the message has arrived")
    product.kill()
    debtor.portal.admin("/faults", {"clear": True})
    product.start()
    until(lambda: "unknown" in outcomes(debtor), "the notice is given up")
    product.rest()
    assert len(debtor.messages(DEBTOR, mark)) == 1
    assert product.stop() == 0


def outcomes(debtor: Operation) -> list[str]:
    """What became of the notices to the household."""
    return [one["outcome"] for one in debtor.view(DEBTOR)["messages"]]


def all_taken(operator: Operation) -> bool:
    """Whether every message that the provider sent was answered with success, at last."""
    events: dict[str, bool] = {}
    for entry in operator.provider.journal(face="outgoing"):
        sent = entry["after"]
        events[sent["event"]] = events.get(sent["event"], False) or sent["status"] == 200
    return all(events.values())


def check_paid_once(operator: Operation, number: int) -> None:
    """One charge at the provider, one movement of money in the books, nothing owed."""
    (charge,) = operator.charges(number)
    view = operator.view(number)
    (payment,) = view["payments"]
    assert payment["amount"]["amount_minor"] == charge["amount"]
    assert view["owed"]["amount_minor"] == view["credit"]["amount_minor"] == 0
    with closing(sqlite3.connect(operator.product.database)) as books:
        query = "SELECT sum(amount_minor) FROM entry GROUP BY posting_id"
        assert {total for (total,) in books.execute(query)} == {0}
        query = "SELECT kind, count(*) FROM posting JOIN account a ON a.id = account_id"
        query += " WHERE a.number = ? GROUP BY kind ORDER BY kind"
        postings = dict(books.execute(query, [contract_of(number)]).fetchall())
    assert postings == {"invoice": 1, "payment": 1}
