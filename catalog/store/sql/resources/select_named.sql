-- The versions given by key and number, all of a key if the number is NULL, as the table `removing`.
CREATE OR REPLACE TEMP TABLE removing AS
WITH wanted AS MATERIALIZED (
  SELECT unnest(from_json($rows::JSON, '[{"nkey": "UUID", "version": "BIGINT"}]'), recursive := true)
)
SELECT nkey, name, version, address, path FROM resources
WHERE tenant = $tenant AND (
  nkey IN (SELECT nkey FROM wanted WHERE version IS NULL)
  OR (nkey, version) IN (SELECT (nkey, version) FROM wanted WHERE version IS NOT NULL)
)
