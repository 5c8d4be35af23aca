-- For each target with very many kept files: their usual reason once, rows for the others, and rows for what the
-- target's record lacks or has with other bytes (`versions/record_plan.sql` records it again).
CREATE OR REPLACE TEMP TABLE usual AS
SELECT target, arg_max(reason, n) AS reason, max(n) AS n FROM (
  SELECT target, reason, count(*) AS n FROM decided
  WHERE action = 'keep' AND reason <> 'no marker at the destination yet' GROUP BY ALL
) GROUP BY target HAVING sum(n) > $told;

INSERT INTO plan_kept SELECT $plan_id, target, reason, n FROM usual;

INSERT INTO plan_rows
SELECT $plan_id, d.target, d.nkey, d.path, d.action, d.reason, d.size,
  CASE WHEN d.reason = 'no marker at the destination yet' THEN p.batch END, NULL, NULL, NULL, NULL
FROM decided d
LEFT JOIN placed p USING (nkey)
LEFT JOIN usual u ON u.target = d.target AND u.reason = d.reason
LEFT JOIN (
  SELECT t.target, c.nkey FROM content c
  JOIN (
    SELECT unnest(range(len($repositories::VARCHAR[])))::INTEGER AS target, unnest($repositories::VARCHAR[])::UUID AS repository
  ) t ON c.repository = t.repository
  JOIN locations l ON l.repository = c.repository AND l.nkey = c.nkey
  WHERE c.removed_in IS NULL AND NOT coalesce(c.digest <> l.digest, false)
) h ON h.target = d.target AND h.nkey = d.nkey
WHERE d.action = 'keep' AND (u.target IS NULL OR h.nkey IS NULL)
