"""I4: one effect per payment. What pays is never more than it brought, nor than what is owed."""

from runtime.store.rules import Rule

RULES = (
    Rule(
        code="I4",
        says="what is open of an invoice is its total less what has paid it",
        sql="""
            SELECT i.number, 'of ' || i.total_minor || ' are ' || COALESCE(a.paid, 0)
                || ' paid and ' || COALESCE(o.rest_minor, 0) || ' open'
            FROM invoice i
            LEFT JOIN (
                SELECT invoice_id, SUM(amount_minor) AS paid FROM allocation GROUP BY invoice_id
            ) a ON a.invoice_id = i.id
            LEFT JOIN open_item o ON o.id = i.id AND o.kind = 'invoice'
            WHERE i.total_minor <> COALESCE(a.paid, 0) + COALESCE(o.rest_minor, 0)
                OR COALESCE(a.paid, 0) NOT BETWEEN 0 AND i.total_minor
        """,
    ),
    Rule(
        code="I4",
        says="a payment pays no more than it brought, and nothing before it is settled",
        sql="""
            SELECT m.id, 'of ' || m.amount_minor || ' are ' || COALESCE(a.paid, 0)
                || ' used and ' || COALESCE(o.rest_minor, 0) || ' left'
            FROM movement m
            LEFT JOIN (
                SELECT payer_id, SUM(amount_minor) AS paid FROM allocation GROUP BY payer_id
            ) a ON a.payer_id = m.id
            LEFT JOIN open_item o ON o.id = m.id AND o.kind = 'credit'
            WHERE COALESCE(a.paid, 0) < 0 OR COALESCE(a.paid, 0) + COALESCE(o.rest_minor, 0)
                > CASE WHEN m.kind = 'cleared' AND m.settled_at IS NOT NULL
                    THEN m.amount_minor ELSE 0 END
        """,
    ),
    Rule(
        code="I8",
        says="what refunds gave back of a charge, its provider has told, and no more than came",
        sql="""
            SELECT r.charge, r.given || ' given back, ' || COALESCE(m.told, 0) || ' told, '
                || COALESCE(m.came, 0) || ' came'
            FROM (
                SELECT provider, charge, SUM(amount_minor) AS given FROM refund
                WHERE state = 'done' GROUP BY provider, charge
            ) r
            LEFT JOIN (
                SELECT provider, charge,
                    MAX(CASE kind WHEN 'refunded' THEN amount_minor ELSE 0 END)
                    + SUM(CASE kind WHEN 'given_back' THEN amount_minor ELSE 0 END) AS told,
                    SUM(CASE kind WHEN 'cleared' THEN amount_minor ELSE 0 END) AS came
                FROM movement GROUP BY provider, charge
            ) m ON m.provider = r.provider AND m.charge = r.charge
            WHERE r.given > COALESCE(m.told, 0) OR r.given > COALESCE(m.came, 0)
        """,
    ),
    Rule(
        code="I4",
        says="a credit note pays or leaves exactly what it gives back",
        sql="""
            SELECT n.number, 'of ' || n.total_minor || ' are ' || COALESCE(a.paid, 0)
                || ' used and ' || COALESCE(o.rest_minor, 0) || ' left'
            FROM credit_note n
            LEFT JOIN (
                SELECT payer_id, SUM(amount_minor) AS paid FROM allocation GROUP BY payer_id
            ) a ON a.payer_id = n.id
            LEFT JOIN open_item o ON o.id = n.id AND o.kind = 'credit'
            WHERE n.total_minor <> COALESCE(a.paid, 0) + COALESCE(o.rest_minor, 0)
        """,
    ),
    Rule(
        code="I4",
        says="what an account owes and has to its credit is what its books say",
        sql="""
            SELECT party, book || ' ' || currency || ' ' || SUM(booked) || ', open items '
                || SUM(open)
            FROM (
                SELECT party, book, currency, amount_minor AS booked, 0 AS open
                FROM entry WHERE book IN ('receivable', 'credit')
                UNION ALL
                SELECT account_id, CASE kind WHEN 'invoice' THEN 'receivable' ELSE 'credit' END,
                    currency, 0, CASE kind WHEN 'invoice' THEN rest_minor ELSE -rest_minor END
                FROM open_item
            ) both_sides GROUP BY party, book, currency HAVING SUM(booked) <> SUM(open)
        """,
    ),
)
