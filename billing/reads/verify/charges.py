"""I3: each day of a subject is charged once, less what was given back of it.

Two lines that overlap have neighbours, by the day they end, that do. Only the subjects with such
neighbours are counted day by day: a charge adds one from its first day to its last, a credit takes
one away. What comes of it is never two, and never less than nothing. Goodwill is for no days.
"""

from runtime.store.rules import Rule

RULES = (
    Rule(
        code="I3",
        says="no day of a subject is charged twice, less what was given back",
        sql="""
            WITH suspect AS (
                SELECT DISTINCT subject, kind FROM (
                    SELECT subject, kind, period_start, LAG(period_end) OVER (
                        PARTITION BY subject, kind ORDER BY period_end, take
                    ) AS before FROM invoice_line
                ) neighbours WHERE period_start < before
            ),
            step(subject, kind, day, by) AS (
                SELECT l.subject, l.kind, l.period_start, 1 FROM invoice_line l
                    JOIN suspect s ON s.subject = l.subject AND s.kind = l.kind
                UNION ALL
                SELECT l.subject, l.kind, l.period_end, -1 FROM invoice_line l
                    JOIN suspect s ON s.subject = l.subject AND s.kind = l.kind
                UNION ALL
                SELECT l.subject, l.kind, c.period_start, -1 FROM credit_line c
                    JOIN invoice_line l ON l.invoice_id = c.invoice_id AND l.n = c.invoice_n
                    JOIN suspect s ON s.subject = l.subject AND s.kind = l.kind
                    WHERE c.goodwill_id IS NULL
                UNION ALL
                SELECT l.subject, l.kind, c.period_end, 1 FROM credit_line c
                    JOIN invoice_line l ON l.invoice_id = c.invoice_id AND l.n = c.invoice_n
                    JOIN suspect s ON s.subject = l.subject AND s.kind = l.kind
                    WHERE c.goodwill_id IS NULL
            )
            SELECT subject, kind || ' on ' || day || ': ' || charged || ' times' FROM (
                SELECT subject, kind, day, SUM(SUM(by)) OVER (
                    PARTITION BY subject, kind ORDER BY day
                ) AS charged FROM step GROUP BY subject, kind, day
            ) counted WHERE charged NOT IN (0, 1)
        """,
    ),
    Rule(
        code="I3",
        says="what is given back of a line lies in its days and is not more than it charged",
        sql="""
            SELECT l.invoice_id || ' ' || l.n, 'gives back ' || SUM(c.amount_minor + c.kept_minor)
                || ' of ' || l.amount_minor
            FROM credit_line c
            JOIN invoice_line l ON l.invoice_id = c.invoice_id AND l.n = c.invoice_n
            GROUP BY l.invoice_id, l.n, l.amount_minor, l.period_start, l.period_end
            HAVING SUM(c.amount_minor + c.kept_minor) > l.amount_minor
                OR SUM(c.net_minor + c.kept_minor) > MAX(l.net_minor)
                OR SUM(c.tax_minor) > MAX(l.tax_minor)
                OR MIN(c.period_start) < l.period_start OR MAX(c.period_end) > l.period_end
        """,
    ),
    Rule(
        code="I3",
        says="each goodwill is given once, of the line and as much as a person has said",
        sql="""
            SELECT g.id, g.amount_minor || ' said, ' || COALESCE(c.amount_minor, 0) || ' given'
            FROM goodwill g LEFT JOIN credit_line c ON c.goodwill_id = g.id
            WHERE c.amount_minor IS NULL OR c.amount_minor <> g.amount_minor
                OR c.invoice_id <> g.invoice_id OR c.invoice_n <> g.invoice_n
        """,
    ),
)
