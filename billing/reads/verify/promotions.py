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
                    SELECT SUM(json_extract(p.value, '$[1]'))
                    FROM invoice_discount d JOIN json_each(d.parts) p
                    WHERE d.invoice_id = l.invoice_id AND json_extract(p.value, '$[0]') = l.n
                ), 0)
            """,
            "postgresql": """
                SELECT l.invoice_id || ' ' || l.n,
                    'off ' || l.off_minor || ', told ' || COALESCE(d.told, 0)
                FROM invoice_line l LEFT JOIN (
                    SELECT invoice_id, (p.value ->> 0)::int AS n,
                        SUM((p.value ->> 1)::bigint) AS told
                    FROM invoice_discount, json_array_elements(parts::json) p
                    GROUP BY 1, 2
                ) d ON d.invoice_id = l.invoice_id AND d.n = l.n
                WHERE l.off_minor <> COALESCE(d.told, 0)
            """,
        },
    ),
    Rule(
        code="I3",
        says="what a promotion takes off an invoice is told of lines that are there",
        sql={
            "sqlite": """
                SELECT d.invoice_id, 'takes off ' || d.amount_minor || ': ' || d.parts
                FROM invoice_discount d WHERE (d.amount_minor, json_array_length(d.parts)) <> (
                    SELECT COALESCE(SUM(json_extract(p.value, '$[2]')), 0), COUNT(*)
                    FROM json_each(d.parts) p JOIN invoice_line l
                    ON l.invoice_id = d.invoice_id AND l.n = json_extract(p.value, '$[0]')
                )
            """,
            "postgresql": """
                SELECT d.invoice_id, 'takes off ' || d.amount_minor || ': ' || d.parts
                FROM invoice_discount d CROSS JOIN LATERAL (
                    SELECT COALESCE(SUM((p.value ->> 2)::bigint), 0) AS told, COUNT(*) AS lines
                    FROM json_array_elements(d.parts::json) p JOIN invoice_line l
                    ON l.invoice_id = d.invoice_id AND l.n = (p.value ->> 0)::int
                ) t
                WHERE (d.amount_minor, json_array_length(d.parts::json)) <> (t.told, t.lines)
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
