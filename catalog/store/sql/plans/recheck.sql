-- Rows of a plan whose source or destination has changed: `decided` and `wanted` have the current state. What one
-- of two listings does not have is no change.
SELECT path, target, moved FROM (
  SELECT r.path, r.target, i.batch, i.position, CASE
    WHEN r.action = 'remove' AND (d.nkey IS NULL OR d.action = 'keep') THEN 'is no longer to be removed'
    WHEN r.action <> 'remove' AND w.nkey IS NULL AND r.nkey IN (SELECT nkey FROM unseen)
      THEN 'could not be seen at the source'
    WHEN r.action <> 'remove' AND w.nkey IS NULL THEN 'is gone from the source'
    WHEN i.size <> w.size THEN 'changed at the source: size ' || i.size || ' -> ' || w.size
    WHEN i.etag <> w.etag THEN 'changed at the source: etag ' || i.etag || ' -> ' || w.etag
    WHEN (i.etag IS NULL OR w.etag IS NULL) AND i.modified_us <> w.modified_us
      THEN 'changed at the source: modified_us ' || i.modified_us || ' -> ' || w.modified_us
    WHEN d.nkey IS NULL OR d.action = 'keep' THEN 'is at the destination already'
    WHEN NOT r.seen AND d.seen THEN 'is at the destination now'
    WHEN r.seen AND NOT d.seen AND r.action <> 'remove' THEN 'is gone from the destination'
    WHEN r.seen_size <> d.seen_size
      THEN 'changed at the destination: size ' || r.seen_size || ' -> ' || d.seen_size
    WHEN r.seen_etag <> d.seen_etag
      THEN 'changed at the destination: etag ' || r.seen_etag || ' -> ' || d.seen_etag
    WHEN (r.seen_etag IS NULL OR d.seen_etag IS NULL) AND r.seen_modified_us <> d.seen_modified_us
      THEN 'changed at the destination: modified_us ' || r.seen_modified_us || ' -> ' || d.seen_modified_us
    END AS moved
  FROM (SELECT * FROM plan_rows WHERE plan_id = $plan_id AND action <> 'keep'
    AND EXISTS (SELECT 1 FROM plans WHERE plan_id = $plan_id AND tenant = $tenant)) r
  JOIN (SELECT * FROM plan_items WHERE plan_id = $plan_id) i USING (nkey)
  LEFT JOIN decided d ON d.nkey = r.nkey AND d.target = r.target
  LEFT JOIN (SELECT * FROM wanted WHERE selected) w ON w.nkey = r.nkey
) WHERE moved IS NOT NULL ORDER BY batch, position, target
