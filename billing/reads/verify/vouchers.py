"""I4: a voucher is money once. Batches count their cards, and their book is what was redeemed."""

from runtime.store.rules import Rule

RULES = (
    Rule(
        code="I4",
        says="each batch has its vouchers, and counts those that are redeemed",
        sql="""
            SELECT b.name, 'has ' || COUNT(v.n) || ' of ' || b.count || ', and counts '
                || b.redeemed || ' of ' || COUNT(v.account_id) || ' redeemed'
            FROM voucher_batch b LEFT JOIN voucher v ON v.batch = b.name
            GROUP BY b.name, b.count, b.redeemed
            HAVING COUNT(v.n) <> b.count OR COUNT(v.account_id) <> b.redeemed
        """,
    ),
    Rule(
        code="I4",
        says="each redeemed voucher is money of its account, and none is of another",
        sql="""
            SELECT v.batch || '/' || v.n, 'redeemed, and its money is not there'
            FROM voucher v JOIN voucher_batch b ON b.name = v.batch
            WHERE v.account_id IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM movement m WHERE m.account_id = v.account_id
                    AND m.provider = 'voucher' AND m.kind = 'cleared'
                    AND m.ref = v.batch || '/' || v.n
                    AND m.amount_minor = b.value_minor AND m.currency = b.currency
            )
            UNION ALL
            SELECT m.ref, 'money of no voucher' FROM movement m
            WHERE m.provider = 'voucher' AND NOT EXISTS (
                SELECT 1 FROM voucher v
                WHERE v.account_id = m.account_id AND v.batch || '/' || v.n = m.ref
            )
        """,
    ),
    Rule(
        code="I4",
        says="what stands on the book of a batch is what was redeemed of it and settled",
        sql="""
            SELECT party, currency || ' ' || SUM(booked) || ' of ' || SUM(came)
            FROM (
                SELECT party, currency, amount_minor AS booked, 0 AS came
                FROM entry WHERE book = 'vouchers'
                UNION ALL
                SELECT v.batch, m.currency, 0, m.amount_minor
                FROM movement m JOIN voucher v
                ON v.account_id = m.account_id AND v.batch || '/' || v.n = m.ref
                WHERE m.provider = 'voucher' AND m.settled_at IS NOT NULL
            ) both_sides
            GROUP BY party, currency HAVING SUM(booked) <> SUM(came)
        """,
    ),
)
