-- A digest that was learned when the same file was read before only tells where to look for copies.
INSERT INTO plan_items
SELECT $plan_id, p.batch, p.position, p.nkey, w.path, w.origin, w.size, w.etag, w.modified_us,
  coalesce(w.digest, c.digest), w.digests, w.content_type, w.properties, w.conflict
FROM placed p JOIN wanted w USING (nkey) LEFT JOIN (
  SELECT path, digest, size, etag, modified_us FROM content
  WHERE repository = $source::UUID AND removed_in IS NULL AND digest IS NOT NULL AND $learned
) c ON c.path = w.origin AND c.size = w.size AND CASE
  WHEN c.etag IS NOT NULL AND w.etag IS NOT NULL THEN c.etag = w.etag
  ELSE c.modified_us = w.modified_us END
WHERE NOT p.gone
ORDER BY p.batch, p.position;

INSERT INTO plan_items
SELECT $plan_id, p.batch, p.position, p.nkey, l.path, NULL, l.size, NULL, NULL, NULL, NULL, NULL, NULL, o.conflict
FROM placed p JOIN (
  SELECT nkey, any_value(path) AS path, max(size) AS size FROM decided WHERE action = 'remove' GROUP BY nkey
) l USING (nkey) LEFT JOIN obstacles o USING (nkey) WHERE p.gone
ORDER BY p.batch, p.position;

INSERT INTO plan_batches
SELECT $plan_id, batch, count(*), coalesce(sum(size) FILTER (origin IS NOT NULL), 0)
FROM plan_items WHERE plan_id = $plan_id GROUP BY batch ORDER BY batch;

INSERT INTO plan_rows
SELECT $plan_id, d.target, d.nkey, d.path, d.action, d.reason, d.size, p.batch,
  d.seen, d.seen_size, d.seen_etag, d.seen_modified_us
FROM decided d JOIN placed p USING (nkey) WHERE d.action <> 'keep'
ORDER BY p.batch, p.position, d.target
