"""I4: documents say what their lines and the books say."""

from runtime.store.rules import Rule

RULES = (
    Rule(
        code="I4",
        says="the net of each document is the sum of its lines",
        sql="""
            SELECT i.number, 'lines ' || COALESCE(l.net, 0) || ', net ' || i.net_minor
            FROM invoice i LEFT JOIN (
                SELECT invoice_id, SUM(amount_minor) AS net FROM invoice_line GROUP BY invoice_id
            ) l ON l.invoice_id = i.id WHERE COALESCE(l.net, 0) <> i.net_minor
            UNION ALL
            SELECT n.number, 'lines ' || COALESCE(l.net, 0) || ', net ' || n.net_minor
            FROM credit_note n LEFT JOIN (
                SELECT note_id, SUM(amount_minor) AS net FROM credit_line GROUP BY note_id
            ) l ON l.note_id = n.id WHERE COALESCE(l.net, 0) <> n.net_minor
        """,
    ),
    Rule(
        code="I4",
        says="each document that moves money is booked at its total",
        sql="""
            SELECT d.number, 'total ' || d.total_minor || ', booked ' || COALESCE(e.booked, 0)
            FROM (
                SELECT id, number, total_minor FROM invoice WHERE total_minor <> 0
                UNION ALL
                SELECT id, number, -total_minor FROM credit_note WHERE total_minor <> 0
            ) d LEFT JOIN (
                SELECT e.posting_id, SUM(e.amount_minor) AS booked FROM entry e
                JOIN posting p ON p.id = e.posting_id
                WHERE e.book IN ('receivable', 'credit') AND p.kind IN ('invoice', 'credit_note')
                GROUP BY e.posting_id
            ) e ON e.posting_id = d.id
            WHERE COALESCE(e.booked, 0) <> d.total_minor
        """,
    ),
)
