"""I4: what is in a drawer is what went into it less what went out, and each receipt is money."""

from runtime.store.rules import Rule

RULES = (
    Rule(
        code="I4",
        says="each receipt is cash that was paid or given back, of its account and amount",
        sql="""
            SELECT r.number, 'no such money' FROM receipt r
            WHERE NOT EXISTS (
                SELECT 1 FROM movement m WHERE r.kind = 'payment' AND m.id = r.cause_id
                    AND m.provider = 'cash' AND m.kind = 'cleared'
                    AND m.account_id = r.account_id AND m.currency = r.currency
                    AND m.amount_minor = r.amount_minor
            ) AND NOT EXISTS (
                SELECT 1 FROM refund b WHERE r.kind = 'refund' AND b.id = r.cause_id
                    AND b.provider = 'cash' AND b.account_id = r.account_id
                    AND b.currency = r.currency AND b.amount_minor = r.amount_minor
            )
        """,
    ),
    Rule(
        code="I4",
        says="each receipt of a shift is in its drawer, and nothing else was taken or given there",
        sql="""
            SELECT r.number, 'not in the drawer of its shift' FROM receipt r
            LEFT JOIN drawer_entry e ON e.receipt_id = r.id AND e.shift_id = r.shift_id
                AND e.currency = r.currency
                AND e.kind = CASE r.kind WHEN 'payment' THEN 'taken' ELSE 'given' END
                AND ABS(e.amount_minor) = r.amount_minor
            WHERE r.shift_id IS NOT NULL AND e.n IS NULL
            UNION ALL
            SELECT e.shift_id || '.' || e.n, 'of no receipt of this shift' FROM drawer_entry e
            WHERE e.kind IN ('taken', 'given') AND NOT EXISTS (
                SELECT 1 FROM receipt r WHERE r.id = e.receipt_id AND r.shift_id = e.shift_id
            )
        """,
    ),
    Rule(
        code="I4",
        says="each shift has as many entries as it counts, and each till as many shifts",
        sql="""
            SELECT s.id, 'counts ' || s.entries || ' entries of ' || COUNT(e.n)
            FROM shift s LEFT JOIN drawer_entry e ON e.shift_id = s.id
            GROUP BY s.id, s.entries
            HAVING s.entries <> COUNT(e.n) OR s.entries <> COALESCE(MAX(e.n), 0)
            UNION ALL
            SELECT t.name, 'counts ' || t.shifts || ' shifts of ' || COUNT(s.n)
            FROM till t LEFT JOIN shift s ON s.till = t.name
            GROUP BY t.name, t.shifts
            HAVING t.shifts <> COUNT(s.n) OR t.shifts <> COALESCE(MAX(s.n), 0)
        """,
    ),
    Rule(
        code="I4",
        says="what was expected of a counted drawer is what went in less what went out",
        sql="""
            SELECT shift_id, currency || ' ' || SUM(moved) || ' went through, expected '
                || SUM(expected)
            FROM (
                SELECT e.shift_id, e.currency, e.amount_minor AS moved, 0 AS expected
                FROM drawer_entry e JOIN shift s ON s.id = e.shift_id AND s.state <> 'open'
                UNION ALL
                SELECT shift_id, currency, 0, expected_minor FROM shift_count
            ) both_sides GROUP BY shift_id, currency HAVING SUM(moved) <> SUM(expected)
        """,
    ),
    Rule(
        code="I4",
        says="what is posted as over and short of a till is what its closed shifts differed by",
        sql="""
            SELECT till, currency || ' ' || SUM(differed) || ' differed, booked ' || SUM(booked)
            FROM (
                SELECT s.till, c.currency, c.counted_minor - c.expected_minor AS differed,
                    0 AS booked
                FROM shift_count c JOIN shift s ON s.id = c.shift_id AND s.state = 'closed'
                UNION ALL
                SELECT party, currency, 0, -amount_minor FROM entry WHERE book = 'over_short'
            ) both_sides GROUP BY till, currency HAVING SUM(differed) <> SUM(booked)
        """,
    ),
)
