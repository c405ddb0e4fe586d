"""Refunds at the command line: what one shows is what another takes, and all show the same."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

CONTRACT = "300001"
HEADS = "refund asked on payment amount state credit note reason decided by decided why"


def test_what_is_listed_can_be_decided_about_and_reads_alike(harbour_files, sqlite_url):
    """Each line begins with its id, its columns are named in words, and documents agree."""
    run = harbour_files
    assert run("signup", CONTRACT, "Household", "HARBOUR")[0] == 0
    assert run("pay", CONTRACT, "90.00", "--reference", "R-1")[0] == 0
    give = ("refund", "give", CONTRACT, "R-1", "--reason", "r", "--amount", "1.00")
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as database:
        database.execute("INSERT INTO refund_limit VALUES ('EUR', 0)")
        database.commit()
        asked = json.loads(run(*give, "--reference", "B-1", "--json")[1])
        assert (asked["state"], asked["is_new"], asked["owed_again"]) == ("waiting", True, True)
        assert run(*give, "--reference", "B-2")[0] == 0
        database.execute("UPDATE refund SET asked_by = 'anna'")
        database.execute("DELETE FROM refund_limit")
        database.commit()
    heads, *lines = run("refund", "list", CONTRACT)[1].splitlines()
    assert heads.split() == HEADS.split()
    first, second = (line.split()[0] for line in reversed(lines))
    assert first == asked["id"]
    released = json.loads(run("refund", "release", first, "--json")[1])
    declined = json.loads(run("refund", "decline", second, "--reason", "no", "--json")[1])
    out = ("wallet", "pay-out", CONTRACT, "1.00", "--reason", "r", "--reference", "W-1")
    paid = json.loads(run(*out, "--json")[1])
    listed = json.loads(run("refund", "list", CONTRACT, "--json")[1])
    assert listed == [*paid, *declined["refunds"], *released["refunds"]]
    assert set(asked) - set(listed[0]) == {"is_new", "owed_again"}
    assert (declined["contract"], declined["is_new"]) == (CONTRACT, True)
    assert [one["decided_why"] for one in listed] == ["", "no", ""]
