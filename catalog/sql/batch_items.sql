SELECT i.position, i.origin, i.path, i.size, i.etag, i.modified_us, i.digests, i.content_type, i.properties,
  r.targets, r.actions, lower(hex(i.digest))
FROM (SELECT * FROM plan_items WHERE plan_id = $plan_id AND batch = $batch) i
JOIN (
  SELECT nkey, list(target ORDER BY target) AS targets, list(action ORDER BY target) AS actions
  FROM plan_rows WHERE plan_id = $plan_id AND batch = $batch GROUP BY nkey
) r USING (nkey)
ORDER BY i.position
