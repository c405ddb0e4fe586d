"""I4: documents say what their lines and the books say."""

from runtime.store.rules import Rule

_DOCUMENTS = """
    SELECT id, number, total_minor FROM invoice WHERE total_minor <> 0
    UNION ALL
    SELECT id, number, -total_minor FROM credit_note WHERE total_minor <> 0
"""

RULES = (
    Rule(
        code="I4",
        says="net and tax of each document are the sums of its lines",
        sql="""
            SELECT d.number, 'lines ' || COALESCE(l.net, 0) || ' and ' || COALESCE(l.tax, 0)
                || ', net ' || d.net_minor || ', tax ' || d.tax_minor
            FROM (
                SELECT id, number, net_minor, tax_minor FROM invoice
                UNION ALL
                SELECT id, number, net_minor, tax_minor FROM credit_note
            ) d LEFT JOIN (
                SELECT invoice_id AS id, SUM(net_minor) AS net, SUM(tax_minor) AS tax
                FROM invoice_line GROUP BY invoice_id
                UNION ALL
                SELECT note_id, SUM(net_minor), SUM(tax_minor) FROM credit_line GROUP BY note_id
            ) l ON l.id = d.id
            WHERE COALESCE(l.net, 0) <> d.net_minor OR COALESCE(l.tax, 0) <> d.tax_minor
        """,
    ),
    Rule(
        code="I4",
        says="each document that moves money is booked at its total",
        sql={
            # Here a look at an index costs less than a sum that is kept.
            "sqlite": f"""
                SELECT d.number, 'total ' || d.total_minor FROM ({_DOCUMENTS}) d
                WHERE d.total_minor <> COALESCE((
                    SELECT SUM(e.amount_minor) FROM entry e
                    WHERE e.posting_id = d.id AND e.book IN ('receivable', 'credit')
                ), 0)
            """,  # noqa: S608 - a constant above
            "postgresql": f"""
                SELECT d.number, 'total ' || d.total_minor || ', booked ' || COALESCE(e.booked, 0)
                FROM ({_DOCUMENTS}) d LEFT JOIN (
                    SELECT posting_id, SUM(amount_minor) AS booked FROM entry
                    WHERE book IN ('receivable', 'credit') GROUP BY posting_id
                ) e ON e.posting_id = d.id
                WHERE COALESCE(e.booked, 0) <> d.total_minor
            """,  # noqa: S608 - a constant above
        },
    ),
)
