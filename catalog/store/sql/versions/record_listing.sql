CREATE OR REPLACE TEMP TABLE staged AS
SELECT md5($tenant || chr(31) || origin)::UUID AS nkey, origin AS path, size, etag, modified_us,
  unhex(sha256) AS digest, content_type, properties
FROM read_parquet($files);

-- What the listing could not see is kept.
CREATE OR REPLACE TEMP TABLE unseen AS
{unseen};

-- What one of two listings does not have is no change: one may have had more details.
CREATE OR REPLACE TEMP TABLE changes AS
SELECT coalesce(n.nkey, o.nkey) AS nkey, coalesce(n.path, o.path) AS path, n.size, n.etag,
  n.modified_us, n.digest, n.content_type, n.properties,
  CASE WHEN o.nkey IS NULL THEN 'added' WHEN n.nkey IS NULL THEN 'removed' ELSE 'replaced' END AS kind
FROM staged n FULL JOIN (
  SELECT * FROM content WHERE repository = $repository::UUID AND removed_in IS NULL
) o ON n.nkey = o.nkey
-- A listing says nothing about what is only catalogued.
LEFT JOIN (SELECT nkey AS catalogued FROM origins WHERE repository = $repository::UUID)
  ON catalogued = coalesce(n.nkey, o.nkey)
WHERE catalogued IS NULL
  AND (n.nkey IS NOT NULL OR o.nkey NOT IN (SELECT nkey FROM unseen))
  AND (o.nkey IS NULL OR n.nkey IS NULL OR CASE
  WHEN n.digest IS NOT NULL AND o.digest IS NOT NULL THEN n.digest <> o.digest
  WHEN n.size <> o.size THEN true
  WHEN n.etag IS NOT NULL AND o.etag IS NOT NULL THEN n.etag <> o.etag
  WHEN n.modified_us IS NOT NULL AND o.modified_us IS NOT NULL THEN n.modified_us <> o.modified_us
  ELSE false END)
