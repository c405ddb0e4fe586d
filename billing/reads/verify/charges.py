"""I3: each day of a subject is charged once, less what was given back of it.

Two lines that overlap have neighbours, by the day they end, that do. Only the subjects with such
neighbours are counted day by day: a charge adds one from its first day to its last, a credit takes
one away. What comes of it is never two, and never less than nothing. A void invoice charges no day:
all of it is given back, also where that is nothing. Goodwill is for no days.
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
            charged AS (
                SELECT l.* FROM invoice_line l
                JOIN suspect s ON s.subject = l.subject AND s.kind = l.kind
                WHERE l.invoice_id NOT IN (SELECT invoice_id FROM voided)
            ),
            given_back AS (
                SELECT l.subject, l.kind, c.period_start, c.period_end FROM credit_line c
                JOIN charged l ON l.invoice_id = c.invoice_id AND l.n = c.invoice_n
                WHERE c.goodwill_id IS NULL
            ),
            step(subject, kind, day, by) AS (
                SELECT subject, kind, period_start, 1 FROM charged
                UNION ALL
                SELECT subject, kind, period_end, -1 FROM charged
                UNION ALL
                SELECT subject, kind, period_start, -1 FROM given_back
                UNION ALL
                SELECT subject, kind, period_end, 1 FROM given_back
            )
            SELECT subject, kind || ' on ' || day || ': ' || times || ' times' FROM (
                SELECT subject, kind, day, SUM(SUM(by)) OVER (
                    PARTITION BY subject, kind ORDER BY day
                ) AS times FROM step GROUP BY subject, kind, day
            ) counted WHERE times NOT IN (0, 1)
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
    Rule(
        code="I3",
        says="all of a void invoice is given back, once its account is settled",
        sql="""
            SELECT i.number, 'of ' || SUM(l.amount_minor) || ' are ' || SUM(COALESCE(c.back, 0))
                || ' given back'
            FROM voided v JOIN invoice i ON i.id = v.invoice_id
            JOIN invoice_line l ON l.invoice_id = i.id
            LEFT JOIN (
                SELECT invoice_id, invoice_n, SUM(amount_minor + kept_minor) AS back
                FROM credit_line GROUP BY invoice_id, invoice_n
            ) c ON c.invoice_id = l.invoice_id AND c.invoice_n = l.n
            WHERE NOT EXISTS (
                SELECT 1 FROM work w WHERE w.kind = 'settle' AND w.key = i.account_id
                    AND w.is_scheduled = 0
            )
            GROUP BY i.number HAVING SUM(l.amount_minor) <> SUM(COALESCE(c.back, 0))
        """,
    ),
)
