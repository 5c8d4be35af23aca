-- A kept file without its marker goes into a batch, which writes the marker.
INSERT INTO plan_rows
SELECT $plan_id, d.target, d.nkey, d.path, d.action, d.reason, d.size, CASE WHEN $kept OR d.reason = 'no marker at the destination yet' THEN p.batch END,
  NULL, NULL, NULL, NULL
FROM decided d LEFT JOIN placed p USING (nkey) WHERE d.action = 'keep'
