CREATE OR REPLACE TEMP TABLE wanted AS
SELECT md5($tenant || chr(31) || path)::UUID AS nkey, path, origin, size, etag, modified_us,
  CASE WHEN $trust_sha256 THEN unhex(sha256) END AS digest, digests, content_type, properties,
  ($include = '' OR regexp_full_match(origin, $include))
    AND NOT ($exclude <> '' AND regexp_full_match(origin, $exclude))
    AND NOT ($skip_empty AND coalesce(size = 0, false)) AS selected
FROM read_parquet($files);

DELETE FROM wanted WHERE NOT selected AND nkey IN (SELECT nkey FROM wanted WHERE selected);

CREATE OR REPLACE TEMP TABLE decided (
  target INTEGER, nkey UUID, path VARCHAR, action VARCHAR, reason VARCHAR, size BIGINT,
  seen BOOLEAN, seen_size BIGINT, seen_etag VARCHAR, seen_modified_us BIGINT
)
