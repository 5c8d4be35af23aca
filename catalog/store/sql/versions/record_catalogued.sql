-- The changes of a plan at one target that move no bytes: what is only catalogued from now on, or no longer.
-- `same`: the source has nothing new about it.
CREATE OR REPLACE TEMP TABLE noted AS
SELECT p.nkey, p.path, p.action, i.origin, i.size, i.etag, i.modified_us, i.content_type, i.properties,
  h.nkey IS NOT NULL AND p.action <> 'remove' AND CASE
    WHEN i.digest IS NOT NULL AND h.digest IS NOT NULL THEN i.digest = h.digest
    WHEN h.origin IS DISTINCT FROM $source::UUID OR h.origin_path IS DISTINCT FROM i.origin THEN false
    WHEN i.size <> h.origin_size THEN false
    WHEN i.etag IS NOT NULL AND h.origin_etag IS NOT NULL THEN i.etag = h.origin_etag
    WHEN i.modified_us IS NOT NULL AND h.origin_modified_us IS NOT NULL THEN i.modified_us = h.origin_modified_us
    ELSE coalesce(i.size = h.origin_size, false) END AS same,
  CASE WHEN same THEN coalesce(i.digest, h.digest) ELSE i.digest END AS digest
FROM (
  SELECT nkey, path, action FROM plan_rows
  WHERE plan_id = $plan_id AND target = $target AND batch IS NULL AND action <> 'keep'
) p
LEFT JOIN (SELECT * FROM plan_items WHERE plan_id = $plan_id) i USING (nkey)
LEFT JOIN ({held}) h USING (nkey);

INSERT INTO outcomes
SELECT $batch, row_number() OVER (ORDER BY path), $run_id, $plan_id, $repository::UUID, nkey, $address, path,
  coalesce(origin, ''), action, CASE WHEN action = 'remove' THEN 'removed' ELSE 'catalogued' END, NULL, digest, size,
  NULL, NULL, etag, size, modified_us, content_type, 1, NULL, NULL, NULL, NULL, false
FROM noted;

DELETE FROM origins USING noted WHERE origins.repository = $repository::UUID AND origins.nkey = noted.nkey;

INSERT INTO origins
SELECT $repository::UUID, nkey, path, $policy, digest, size, $source::UUID, origin, etag, modified_us, content_type,
  properties, $run_id, $now
FROM noted WHERE action <> 'remove' ORDER BY nkey;

UPDATE origins SET policy = $policy
WHERE $late AND repository = $repository::UUID AND origin = $source::UUID AND policy <> $policy;

INSERT INTO ended
SELECT nkey, CASE WHEN action = 'remove' THEN 'removed' ELSE 'catalogued' END, digest, size, NULL, NULL, content_type,
  etag, modified_us
FROM noted
