"""I4: each direct debit is in one batch at most, and money once."""

from runtime.store.rules import Rule

RULES = (
    Rule(
        code="I4",
        says="a batch of debits has as many, and comes to as much, as its file says",
        sql="""
            SELECT b.id, b.debits || ' of ' || b.total_minor || ', in it '
                || COUNT(a.id) || ' of ' || COALESCE(SUM(a.amount_minor), 0)
            FROM debit_batch b
            LEFT JOIN debit d ON d.batch_id = b.id
            LEFT JOIN attempt a ON a.id = d.attempt_id
            GROUP BY b.id, b.debits, b.total_minor
            HAVING COUNT(a.id) <> b.debits OR COALESCE(SUM(a.amount_minor), 0) <> b.total_minor
        """,
    ),
    Rule(
        code="I4",
        says="a debit was in a batch before it was booked or went back",
        sql="""
            SELECT attempt_id, state || ' and in no batch' FROM debit
            WHERE state IN ('presented', 'booked', 'returned') AND batch_id IS NULL
            UNION ALL
            SELECT d.attempt_id, 'presented, and its attempt is ' || a.state
            FROM debit d JOIN attempt a ON a.id = d.attempt_id
            WHERE d.state = 'presented' AND a.state NOT IN ('open', 'unknown')
        """,
    ),
    Rule(
        code="I4",
        says="each debit that is booked is a movement, and each such movement was a debit",
        sql="""
            SELECT d.attempt_id, 'booked without its movement' FROM debit d
            WHERE d.state = 'booked' AND NOT EXISTS (
                SELECT 1 FROM movement m WHERE m.provider = 'sepa' AND m.kind = 'cleared'
                AND m.ref = d.attempt_id
            )
            UNION ALL
            SELECT m.id, 'a movement of no debit' FROM movement m
            WHERE m.provider = 'sepa' AND m.kind = 'cleared' AND NOT EXISTS (
                SELECT 1 FROM debit d JOIN attempt a ON a.id = d.attempt_id
                WHERE d.attempt_id = m.ref AND d.state IN ('booked', 'returned')
                AND a.account_id = m.account_id AND a.amount_minor = m.amount_minor
            )
        """,
    ),
)
