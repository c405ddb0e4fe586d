"""I1: double entry. Each posting sums to nothing, and so do the books as a whole."""

from runtime.store.rules import Rule

RULES = (
    Rule(
        code="I1",
        says="each posting has at least two entries per currency, which sum to zero",
        sql="""
            SELECT posting_id, currency || ' ' || SUM(amount_minor) FROM entry
            GROUP BY posting_id, currency HAVING SUM(amount_minor) <> 0 OR COUNT(*) < 2
        """,
    ),
    Rule(
        code="I1",
        says="each entry has its posting, and each posting its entries",
        sql="""
            SELECT DISTINCT e.posting_id, 'entries without their posting' FROM entry e
            WHERE NOT EXISTS (SELECT 1 FROM posting p WHERE p.id = e.posting_id)
            UNION ALL
            SELECT p.id, 'a posting without entries' FROM posting p
            WHERE NOT EXISTS (SELECT 1 FROM entry e WHERE e.posting_id = p.id)
        """,
    ),
    Rule(
        code="I1",
        says="all books together sum to zero in each currency",
        sql="""
            SELECT currency, CAST(SUM(amount_minor) AS TEXT) FROM entry
            GROUP BY currency HAVING SUM(amount_minor) <> 0
        """,
    ),
)
