-- Which of these numbers a name has or had, and the highest one it had.
WITH wanted AS MATERIALIZED (
  SELECT unnest(from_json($rows::JSON, '[{"nkey": "UUID", "version": "BIGINT"}]'), recursive := true)
), held AS (
  SELECT nkey, max(version) AS highest FROM resources
  WHERE tenant = $tenant AND nkey IN (SELECT nkey FROM wanted) GROUP BY nkey
), gone AS (
  SELECT nkey, max(highest) AS highest FROM resource_numbers
  WHERE tenant = $tenant AND nkey IN (SELECT nkey FROM wanted) GROUP BY nkey
), taken AS (
  SELECT wanted.nkey, wanted.version FROM wanted
  JOIN resources r ON r.tenant = $tenant AND r.nkey = wanted.nkey AND r.version = wanted.version
  UNION
  SELECT wanted.nkey, wanted.version FROM wanted JOIN gone USING (nkey) WHERE gone.highest >= wanted.version
)
SELECT taken.nkey::VARCHAR, taken.version, greatest(coalesce(held.highest, -1), coalesce(gone.highest, -1))
FROM taken LEFT JOIN held USING (nkey) LEFT JOIN gone USING (nkey)
ORDER BY ALL LIMIT 1
