"""I11: who did what stands written as it was, without a gap."""

from runtime.store.chain import UNBROKEN
from runtime.store.rules import Rule

RULES = (
    UNBROKEN,
    Rule(
        code="I11",
        says="each deed names who did it, what, and to whom",
        sql="""
            SELECT CAST(position AS TEXT), 'by ' || actor || ': ' || action || ' ' || subject
            FROM audit WHERE actor = '' OR action = '' OR subject = ''
        """,
    ),
    Rule(
        code="I11",
        says="no deed is missing in between",
        sql={
            # A transaction that is rolled back gives its places back.
            "sqlite": """
                SELECT CAST(position AS TEXT), 'follows ' || before FROM (
                    SELECT position, LAG(position, 1, 0) OVER (ORDER BY position) AS before
                    FROM audit
                    UNION ALL
                    SELECT seq + 1, (SELECT MAX(position) FROM audit) FROM sqlite_sequence
                    WHERE name = 'audit'
                ) placed WHERE position <> before + 1
            """,
            # One that is rolled back leaves a hole; only the end of the table can be told.
            "postgresql": """
                SELECT CAST(MAX(position) AS TEXT), 'was given out before it was' FROM audit
                HAVING MAX(position) > (
                    SELECT last_value FROM audit_position_seq
                )
            """,
        },
    ),
    Rule(
        code="I11",
        says="each payment in cash is a deed of somebody",
        sql="""
            SELECT m.ref, CAST(m.amount_minor AS TEXT) || ' ' || m.currency FROM movement m
            WHERE m.provider = 'cash' AND m.kind = 'cleared' AND m.ref NOT IN (
                SELECT reason FROM audit WHERE action = 'payment.cash'
            )
            UNION ALL
            SELECT m.ref, CAST(m.amount_minor AS TEXT) || ' ' || m.currency FROM movement m
            WHERE m.provider = 'cash' AND m.kind <> 'cleared' AND m.charge NOT IN (
                SELECT charge FROM refund WHERE provider = 'cash' AND asked_by <> ''
            )
        """,
    ),
)
