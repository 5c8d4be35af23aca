SELECT i.position, i.origin, i.path, i.size, i.etag, i.modified_us, i.digests, i.content_type, i.properties,
  i.digest IS NOT NULL, i.conflict, r.target, r.action, r.action IN ('replace', 'remove') OR starts_with(r.reason, 'missing')
FROM (SELECT * FROM plan_items WHERE plan_id = $plan_id AND batch = $batch) i
JOIN (SELECT nkey, target, action, reason FROM plan_rows WHERE plan_id = $plan_id AND batch = $batch) r USING (nkey)
ORDER BY i.position, r.target
