CREATE OR REPLACE TEMP TABLE current AS
SELECT * FROM content WHERE repository = $repository::UUID AND removed_in IS NULL;

CREATE OR REPLACE TEMP TABLE holding AS
SELECT p.nkey, p.path, e.status, coalesce(l.size, e.size, p.size) AS size,
  CASE WHEN l.stored THEN l.etag ELSE coalesce(l.origin_etag, e.etag) END AS etag,
  CASE WHEN l.stored THEN l.modified_us ELSE coalesce(l.origin_modified_us, e.modified_us) END AS modified_us,
  coalesce(l.digest, e.digest) AS digest, coalesce(e.content_type, i.content_type, l.content_type) AS content_type,
  coalesce(i.properties, l.properties) AS properties,
  -- The bytes of a resource that was catalogued before arrived: are they what was catalogued?
  e.status = 'stored' AND p.reason = 'catalogued, but not stored' AS arrived, e.origin_etag, e.origin_modified_us
FROM (SELECT nkey, path, size, action, reason FROM plan_rows WHERE plan_id = $plan_id AND target = $target) p
LEFT JOIN ended e USING (nkey)
LEFT JOIN ({held}) l USING (nkey)
LEFT JOIN (SELECT nkey, content_type, properties FROM plan_items WHERE plan_id = $plan_id) i USING (nkey)
LEFT JOIN (SELECT nkey, digest FROM current) c USING (nkey)
-- A kept file without an outcome is recorded if the history lacks it, for example after a deletion.
-- A file that a consumer took away, and that was not recorded before, is not recorded.
WHERE e.status IN ('stored', 'kept', 'removed', 'catalogued')
  OR (p.action = 'keep' AND e.status IS NULL
    AND (l.nkey IS NOT NULL OR p.reason <> 'marker at the destination, its file was taken away') AND (c.nkey IS NULL OR c.digest <> l.digest));

-- No item of the plan tells the type and properties of a kept file: the source's own row of the same bytes does.
UPDATE holding SET content_type = coalesce(holding.content_type, s.content_type), properties = coalesce(holding.properties, s.properties)
FROM locations l JOIN content s ON s.repository = l.origin AND s.path = l.origin_path AND s.removed_in IS NULL
WHERE holding.status IS NULL AND l.repository = $repository::UUID AND l.nkey = holding.nkey AND CASE
  WHEN s.digest IS NOT NULL THEN s.digest = l.digest
  WHEN s.etag IS NOT NULL AND l.origin_etag IS NOT NULL THEN s.etag = l.origin_etag
  ELSE s.size IS NOT DISTINCT FROM l.origin_size AND s.modified_us IS NOT DISTINCT FROM l.origin_modified_us END;

CREATE OR REPLACE TEMP TABLE changes AS
SELECT h.nkey, h.path, h.size, h.etag, h.modified_us, h.digest, h.content_type, h.properties,
  CASE WHEN h.status = 'removed' THEN 'removed' WHEN c.nkey IS NULL THEN 'added' ELSE 'replaced' END AS kind
FROM holding h LEFT JOIN current c USING (nkey) LEFT JOIN (SELECT nkey FROM noted WHERE same) s USING (nkey)
WHERE CASE WHEN h.status = 'removed' THEN c.nkey IS NOT NULL
  WHEN h.status = 'catalogued' THEN c.nkey IS NULL OR s.nkey IS NULL
  ELSE c.nkey IS NULL OR c.digest <> h.digest OR c.size <> h.size OR (h.arrived AND c.digest IS NULL AND CASE
    WHEN c.etag IS NOT NULL AND h.origin_etag IS NOT NULL THEN c.etag <> h.origin_etag
    ELSE coalesce(c.modified_us <> h.origin_modified_us, false) END) END;

-- Equal bytes written again are no change, but their etag and time are new.
UPDATE content SET size = coalesce(content.size, h.size), etag = h.etag, modified_us = h.modified_us, digest = coalesce(content.digest, h.digest)
FROM holding h
WHERE content.repository = $repository::UUID AND content.removed_in IS NULL AND content.nkey = h.nkey
  AND h.status IN ('stored', 'kept') AND h.nkey NOT IN (SELECT nkey FROM changes)
  AND (content.etag IS DISTINCT FROM h.etag OR content.modified_us IS DISTINCT FROM h.modified_us
    OR content.digest IS NULL)
