"""I3, of what is charged once: it stands on one invoice, and usage adds up to its records."""

from runtime.store.rules import Rule

RULES = (
    Rule(
        code="I3",
        says="a pending charge is billed where it is closed, and nowhere where it waits",
        sql="""
            SELECT p.id, p.kind || CASE WHEN p.is_open THEN ' is billed and waits'
                ELSE ' is closed and on no invoice' END
            FROM pending_charge p
            LEFT JOIN invoice_line l ON l.subject = p.id AND l.kind = p.kind
            WHERE NOT p.is_withdrawn AND p.is_open = (l.subject IS NOT NULL)
        """,
    ),
    Rule(
        code="I3",
        says="a usage total is the sum of the records that count in it",
        sql="""
            SELECT t.id, 'counts ' || t.quantity_micro || ' in ' || t.events || ' records'
            FROM usage_total t LEFT JOIN (
                SELECT total_id, SUM(quantity_micro) AS quantity_micro, COUNT(*) AS events
                FROM usage_record WHERE total_id IS NOT NULL GROUP BY total_id
            ) r ON r.total_id = t.id
            WHERE t.quantity_micro <> COALESCE(r.quantity_micro, 0)
                OR t.events <> COALESCE(r.events, 0)
        """,
    ),
)
