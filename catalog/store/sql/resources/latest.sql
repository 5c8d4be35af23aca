UPDATE resources SET latest = (resources.version = top.version)
FROM (
  SELECT nkey, max(version) AS version FROM resources
  WHERE tenant = $tenant AND nkey IN (SELECT nkey FROM (
    SELECT unnest(from_json($rows::JSON, '[{"nkey": "UUID", "version": "BIGINT"}]'), recursive := true)
  ))
  GROUP BY nkey
) top
WHERE resources.tenant = $tenant AND resources.nkey = top.nkey
  AND resources.latest <> (resources.version = top.version)
