"""I3: what is off a line is told by its promotions; promotions and points are counted right."""

from runtime.store.rules import Rule

RULES = (
    Rule(
        code="I3",
        says="what is off each line is the sum of what promotions take off it",
        sql={
            # Here a look at an index costs less than a sum that is kept.
            "sqlite": """
                SELECT l.invoice_id || ' ' || l.n, 'off ' || l.off_minor
                FROM invoice_line l WHERE l.off_minor <> COALESCE((
                    SELECT SUM(d.off_minor) FROM line_discount d
                    WHERE d.invoice_id = l.invoice_id AND d.n = l.n
                ), 0)
            """,
            "postgresql": """
                SELECT l.invoice_id || ' ' || l.n,
                    'off ' || l.off_minor || ', told ' || COALESCE(d.told, 0)
                FROM invoice_line l LEFT JOIN (
                    SELECT invoice_id, n, SUM(off_minor) AS told FROM line_discount
                    GROUP BY invoice_id, n
                ) d ON d.invoice_id = l.invoice_id AND d.n = l.n
                WHERE l.off_minor <> COALESCE(d.told, 0)
            """,
        },
    ),
    Rule(
        code="I3",
        says="each promotion counts those who have it",
        sql="""
            SELECT p.code, 'counts ' || p.redeemed || ' of ' || COUNT(r.id)
            FROM promotion p LEFT JOIN redemption r ON r.promotion = p.code
            GROUP BY p.code, p.redeemed HAVING COUNT(r.id) <> p.redeemed
        """,
    ),
    Rule(
        code="I4",
        says="each member's points are the sum of what came and went",
        sql="""
            SELECT l.account_id, 'has ' || l.points || ' of ' || COALESCE(SUM(p.points), 0)
            FROM loyalty l LEFT JOIN point_entry p ON p.account_id = l.account_id
            GROUP BY l.account_id, l.points HAVING COALESCE(SUM(p.points), 0) <> l.points
        """,
    ),
)
