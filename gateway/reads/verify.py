"""What always holds between rights, wishes and targets, as rules to ask a live database."""

from runtime.store.rules import Rule

RULES = (
    Rule(
        code="I5",
        says="each wish is held by its target, was seen to differ, or has a row of work",
        sql="""
            SELECT w.subject || '@' || w.target, 'revision ' || w.revision || ', seen '
                || COALESCE(o.revision, 0)
            FROM wish w
            LEFT JOIN observed o ON o.subject = w.subject AND o.target = w.target
            WHERE (o.revision IS NULL OR o.revision NOT IN (0, w.revision)) AND NOT EXISTS (
                SELECT 1 FROM work r WHERE r.kind = 'reconcile'
                    AND r.key = w.subject || '@' || w.target
            )
        """,
    ),
    Rule(
        code="I9",
        says="nothing is wished for a household that may not watch",
        sql="""
            SELECT w.ref, w.target || ' is wished to show what is suspended'
            FROM wish w JOIN snapshot n ON n.topic = 'entitlement' AND n.key = w.service
            WHERE w.enabled AND n.value LIKE '%"state":"suspended"%' AND NOT EXISTS (
                SELECT 1 FROM work c WHERE c.kind = 'compose' AND c.key = w.service
            )
        """,
    ),
)
