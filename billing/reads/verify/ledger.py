"""I1: double entry. Each posting sums to nothing, and so do the books as a whole."""

from runtime.store.rules import Rule

# Of months that are done on both sides: what is booked of them, and what is left to earn of it.
_DEFERRED = """
    SELECT account_id, currency || ' ' || SUM(booked) || ' booked, to be earned ' || SUM(left_minor)
    FROM (
        SELECT p.account_id, e.currency, -e.amount_minor AS booked, 0 AS left_minor
        FROM entry e JOIN posting p ON p.id = e.posting_id
        WHERE e.book = 'deferred' AND p.posted_on < (SELECT {behind} FROM earned_month)
        UNION ALL
        SELECT account_id, currency, 0, amount_minor - earned_minor FROM deferral
    ) both_sides
    WHERE NOT EXISTS (SELECT 1 FROM earned_month WHERE NOT is_done)
    GROUP BY account_id, currency HAVING SUM(booked) <> SUM(left_minor)
"""

RULES = (
    Rule(
        code="I1",
        says="each posting has at least two entries per currency, which sum to zero",
        sql="""
            SELECT posting_id, currency || ' ' || SUM(amount_minor) FROM entry
            GROUP BY posting_id, currency HAVING SUM(amount_minor) <> 0 OR COUNT(*) < 2
        """,
    ),
    Rule(
        code="I1",
        says="each entry has its posting, and each posting its entries",
        sql="""
            SELECT DISTINCT e.posting_id, 'entries without their posting' FROM entry e
            WHERE NOT EXISTS (SELECT 1 FROM posting p WHERE p.id = e.posting_id)
            UNION ALL
            SELECT p.id, 'a posting without entries' FROM posting p
            WHERE NOT EXISTS (SELECT 1 FROM entry e WHERE e.posting_id = p.id)
        """,
    ),
    Rule(
        code="I1",
        says="all books together sum to zero in each currency",
        sql="""
            SELECT currency, CAST(SUM(amount_minor) AS TEXT) FROM entry
            GROUP BY currency HAVING SUM(amount_minor) <> 0
        """,
    ),
    Rule(
        code="I1",
        says="what is deferred of earned months is what deferrals have still to earn",
        sql={
            "sqlite": _DEFERRED.format(behind="date(MAX(month), '+1 month')"),
            "postgresql": _DEFERRED.format(behind="(MAX(month) + interval '1 month')::date"),
        },
    ),
)
