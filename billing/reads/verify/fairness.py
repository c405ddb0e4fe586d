"""I9: nobody is cut who does not owe, nobody watches who is held.

Where an account is marked to be settled the answer is on its way: it is left out.
"""

from runtime.store.rules import Rule

RULES = (
    Rule(
        code="I9",
        says="whoever is held for a debt has one",
        sql="""
            SELECT s.contract, h.kind || ' since ' || h.since_on FROM hold h
            JOIN service s ON s.id = h.service_id
            WHERE h.kind IN ('dunning', 'limited', 'unpaid_first') AND NOT EXISTS (
                SELECT 1 FROM open_item o
                WHERE o.account_id = s.account_id AND o.kind = 'invoice'
            ) AND NOT EXISTS (
                SELECT 1 FROM work w WHERE w.kind = 'settle' AND w.key = s.account_id
                    AND w.is_scheduled = 0
            )
        """,
    ),
    Rule(
        code="I9",
        says="what is published of a service agrees with what holds it",
        sql="""
            SELECT s.contract, CASE WHEN h.n IS NULL THEN 'held back, and nothing holds it'
                ELSE 'active, and something holds it' END
            FROM service s
            JOIN snapshot p ON p.topic = 'entitlement' AND p.key = s.id
            LEFT JOIN (SELECT service_id, COUNT(*) AS n FROM hold GROUP BY service_id) h
                ON h.service_id = s.id
            WHERE (h.n IS NULL AND (p.value LIKE '%"state":"suspended"%'
                    OR p.value LIKE '%"state":"limited"%')
                OR h.n IS NOT NULL AND p.value LIKE '%"state":"active"%')
            AND NOT EXISTS (
                SELECT 1 FROM work w WHERE w.kind = 'settle' AND w.key = s.account_id
                    AND w.is_scheduled = 0
            )
        """,
    ),
)
