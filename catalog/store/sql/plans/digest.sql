-- A line for each row that changes something, in order.
SELECT concat_ws(chr(31), r.target, r.path, r.action, r.reason, coalesce(i.origin, ''), coalesce(i.size::VARCHAR, ''),
  coalesce(i.etag, ''), coalesce(i.modified_us::VARCHAR, ''), coalesce(i.digests, ''), r.seen,
  coalesce(r.seen_size::VARCHAR, ''), coalesce(r.seen_etag, ''), coalesce(r.seen_modified_us::VARCHAR, ''))
FROM (SELECT * FROM plan_rows WHERE plan_id = $plan_id AND (batch IS NOT NULL OR action <> 'keep')) r
JOIN (SELECT * FROM plan_items WHERE plan_id = $plan_id) i USING (nkey)
ORDER BY i.batch, i.position, r.target
