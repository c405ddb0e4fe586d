"""I2: numbers of documents are unique and gapless in each series, and none is taken twice."""

from runtime.store.rules import Rule

RULES = (
    Rule(
        code="I2",
        says="invoice numbers have no gap and no twin in their series",
        sql="""
            SELECT number, 'follows ' || before FROM (
                SELECT number, sequence,
                    LAG(sequence, 1, 0) OVER (PARTITION BY series ORDER BY sequence) AS before
                FROM invoice
            ) numbered WHERE sequence <> before + 1
        """,
    ),
    Rule(
        code="I2",
        says="credit note numbers have no gap and no twin",
        sql="""
            SELECT number, 'follows ' || before FROM (
                SELECT number, sequence, LAG(sequence, 1, 0) OVER (ORDER BY sequence) AS before
                FROM credit_note
            ) numbered WHERE sequence <> before + 1
        """,
    ),
    Rule(
        code="I2",
        says="proforma numbers have no gap and no twin",
        sql="""
            SELECT number, 'follows ' || before FROM (
                SELECT number, sequence, LAG(sequence, 1, 0) OVER (ORDER BY sequence) AS before
                FROM proforma
            ) numbered WHERE sequence <> before + 1
        """,
    ),
    Rule(
        code="I2",
        says="receipt numbers have no gap and no twin",
        sql="""
            SELECT number, 'follows ' || before FROM (
                SELECT number, sequence, LAG(sequence, 1, 0) OVER (ORDER BY sequence) AS before
                FROM receipt
            ) numbered WHERE sequence <> before + 1
        """,
    ),
    Rule(
        code="I2",
        says="each series has given out the number of its last document, and no other",
        sql="""
            SELECT series, 'gave out ' || given || ', the last document is ' || used FROM (
                SELECT s.series, s.last AS given, COALESCE(d.last, 0) AS used
                FROM number_series s LEFT JOIN (
                    SELECT series, MAX(sequence) AS last FROM invoice GROUP BY series
                    UNION ALL
                    SELECT 'CRN', MAX(sequence) FROM credit_note HAVING COUNT(*) > 0
                    UNION ALL
                    SELECT 'PRO', MAX(sequence) FROM proforma HAVING COUNT(*) > 0
                    UNION ALL
                    SELECT 'RCT', MAX(sequence) FROM receipt HAVING COUNT(*) > 0
                ) d ON d.series = s.series
            ) counted WHERE given <> used
        """,
    ),
)
