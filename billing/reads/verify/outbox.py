"""I5: nothing that happened is forgotten: what is still to be done has its row of work.

The row is marked, waits for its time, or is parked where people see it.
"""

from runtime.store.rules import Rule

RULES = (
    Rule(
        code="I5",
        says="money that came in is settled, or its account has a row of work",
        sql="""
            SELECT m.id, m.provider || ' ' || m.ref FROM movement m
            WHERE m.settled_at IS NULL AND EXISTS (
                SELECT 1 FROM movement c WHERE c.provider = m.provider AND c.charge = m.charge
                    AND c.kind = 'cleared'
            ) AND NOT EXISTS (
                SELECT 1 FROM work w WHERE w.kind = 'settle' AND w.key = m.account_id
            )
        """,
    ),
    Rule(
        code="I5",
        says="each payment that was settled is booked",
        sql="""
            SELECT m.id, m.provider || ' ' || m.ref FROM movement m
            WHERE m.settled_at IS NOT NULL AND m.kind = 'cleared'
                AND NOT EXISTS (SELECT 1 FROM posting p WHERE p.id = m.id)
        """,
    ),
    Rule(
        code="I5",
        says="each message of a provider is taken up, set aside, or has a row of work",
        sql="""
            SELECT e.id, e.provider || ' ' || e.event_id FROM provider_event e
            WHERE e.state = 'received' AND NOT EXISTS (
                SELECT 1 FROM work w WHERE w.kind = 'intake' AND w.key = e.id
            )
        """,
    ),
    Rule(
        code="I5",
        says="each attempt whose outcome is to come has a row of work, or a debit that comes",
        sql="""
            SELECT a.id, a.state FROM attempt a
            WHERE a.state IN ('open', 'unknown') AND NOT EXISTS (
                SELECT 1 FROM work w WHERE w.kind = 'collect' AND w.key = a.id
            ) AND NOT EXISTS (
                SELECT 1 FROM debit d LEFT JOIN debit_batch b ON b.id = d.batch_id
                WHERE d.attempt_id = a.id AND d.state IN ('announced', 'presented')
                    AND b.withdrawn_at IS NULL AND b.booked_at IS NULL
            )
        """,
    ),
    Rule(
        code="I5",
        says="each service has published its newest revision",
        sql="""
            SELECT s.contract, 'revision ' || s.revision || ', published '
                || COALESCE(n.revision, 0)
            FROM service s LEFT JOIN snapshot n ON n.topic = 'entitlement' AND n.key = s.id
            WHERE s.revision > 1 AND COALESCE(n.revision, 0) <> s.revision
        """,
    ),
)
