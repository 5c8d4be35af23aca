CREATE OR REPLACE TEMP TABLE wanted AS
WITH listing AS (FROM read_parquet($files))
SELECT md5($tenant || chr(31) || path)::UUID AS nkey, path, origin, size, etag, modified_us,
  CASE WHEN $trust_sha256 THEN unhex(sha256) END AS digest, digests, content_type, properties,
  left_out IS NULL AS selected
FROM ({listing})
