-- The recorded state of the files that a batch replaces, removes or misses, at each target.
SELECT i.position, r.target, lower(hex(l.digest)), l.size, l.etag, l.modified_us
FROM (SELECT position, nkey FROM plan_items WHERE plan_id = $plan_id AND batch = $batch) i
JOIN (
  SELECT nkey, target FROM plan_rows
  WHERE plan_id = $plan_id AND batch = $batch
    AND (action IN ('replace', 'remove') OR starts_with(reason, 'missing'))
) r USING (nkey)
JOIN locations l USING (nkey)
JOIN repositories a USING (repository)
WHERE a.tenant = $tenant AND a.address = $targets[r.target + 1]
