"""I4: each line of a bank lies in one place: on accounts, or in suspense until a person decides."""

from runtime.store.rules import Rule

RULES = (
    Rule(
        code="I4",
        says="the book of suspense has what lines of the bank wait for a person, and nothing else",
        sql="""
            SELECT account, currency || ' ' || SUM(waits) || ' waits, in suspense ' || SUM(booked)
            FROM (
                SELECT account, currency, amount_minor AS waits, 0 AS booked
                FROM bank_entry WHERE state IN ('review', 'suspense')
                UNION ALL
                SELECT party, currency, 0, -amount_minor FROM entry WHERE book = 'suspense'
            ) both_sides GROUP BY account, currency HAVING SUM(waits) <> SUM(booked)
        """,
    ),
    Rule(
        code="I4",
        says="the parts of a line make the whole of it where it is on accounts, else none",
        sql="""
            SELECT b.id, 'of ' || b.amount_minor || ' on accounts ' || COALESCE(p.given, 0)
            FROM bank_entry b
            LEFT JOIN (
                SELECT entry_id, SUM(amount_minor) AS given FROM bank_part q
                WHERE NOT EXISTS (
                    SELECT 1 FROM bank_undone u WHERE u.entry_id = q.entry_id AND u.n = q.n
                ) GROUP BY entry_id
            ) p ON p.entry_id = b.id
            WHERE COALESCE(p.given, 0)
                <> CASE WHEN b.state IN ('matched', 'assigned') THEN b.amount_minor ELSE 0 END
        """,
    ),
    Rule(
        code="I4",
        says="what is set aside lies outside, once, and what was taken back does not",
        sql="""
            SELECT b.id, b.state || ', set aside ' || COUNT(*) || ' times' FROM bank_entry b
            JOIN bank_aside a ON a.entry_id = b.id
            WHERE NOT EXISTS (
                SELECT 1 FROM bank_aside_undone u WHERE u.entry_id = a.entry_id AND u.n = a.n
            )
            GROUP BY b.id, b.state HAVING COUNT(*) > 1 OR b.state <> 'outside'
        """,
    ),
    Rule(
        code="I4",
        says="each part of a line is a movement of the bank, and each such movement a part",
        sql="""
            SELECT p.entry_id || '.' || p.n, 'a part without its movement' FROM bank_part p
            WHERE NOT EXISTS (
                SELECT 1 FROM movement m WHERE m.provider = 'bank' AND m.kind = 'cleared'
                AND m.ref = p.entry_id || '.' || p.n AND m.account_id = p.account_id
                AND m.amount_minor = p.amount_minor
            )
            UNION ALL
            SELECT m.id, 'a movement of no part' FROM movement m
            WHERE m.provider = 'bank' AND m.kind = 'cleared' AND NOT EXISTS (
                SELECT 1 FROM bank_part p
                WHERE p.entry_id = substr(m.ref, 1, 26) AND p.entry_id || '.' || p.n = m.ref
            )
        """,
    ),
)
