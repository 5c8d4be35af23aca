-- Contradictions in the catalog; `many` is their total number.
WITH own AS (SELECT repository, address FROM repositories WHERE tenant = $tenant),
keys AS (
  SELECT repository, path, nkey FROM content
  UNION ALL SELECT repository, path, nkey FROM locations
  UNION ALL SELECT repository, path, nkey FROM origins
),
flaws AS (
  SELECT 'count' AS kind, v.repository, v.number, NULL AS path,
    format('+{} ~{} -{}, {} files, {} bytes', c.added, c.replaced, c.removed, c.total, c.bytes) AS expected,
    format('+{} ~{} -{}, {} files, {} bytes', v.added, v.replaced, v.removed, v.total, v.bytes) AS found
  FROM repository_versions v JOIN ({counted}) c USING (repository, number)
  WHERE (v.added, v.removed, v.total, v.bytes) IS DISTINCT FROM (c.added, c.removed, c.total, c.bytes)
    OR v.replaced NOT BETWEEN c.replaced AND c.renewed -- digests that came later tell that some were the same
  UNION ALL
  SELECT 'span', repository, added_in, path, 'one content at a time',
    format('from {} to {}, the next from {}', added_in, coalesce(removed_in::VARCHAR, 'now'), coalesce(later, added_in))
  FROM (
    SELECT *, lead(added_in) OVER (PARTITION BY repository, nkey ORDER BY added_in, removed_in) AS later FROM content
  )
  WHERE removed_in <= added_in OR later < coalesce(removed_in, 9223372036854775807)
  UNION ALL
  SELECT 'version', repository, number, any_value(path), 'a version of its repository', 'none of this number'
  FROM (
    SELECT repository, added_in AS number, path FROM content
    UNION ALL SELECT repository, removed_in, path FROM content WHERE removed_in IS NOT NULL
  ) ANTI JOIN repository_versions USING (repository, number)
  GROUP BY repository, number
  UNION ALL
  SELECT 'key', k.repository, NULL, k.path, md5($tenant || chr(31) || k.path)::UUID::VARCHAR, k.nkey::VARCHAR
  FROM keys k JOIN own USING (repository) WHERE k.nkey <> md5($tenant || chr(31) || k.path)::UUID
  UNION ALL
  SELECT 'location', repository, NULL, any_value(path), 'one location of a path', count(*)::VARCHAR
  FROM locations GROUP BY repository, nkey HAVING count(*) > 1
  UNION ALL
  SELECT 'artifact', repository, NULL, path, 'sha256:' || lower(hex(digest)), 'not among the artifacts'
  FROM locations ANTI JOIN artifacts USING (digest)
),
ours AS (SELECT flaws.*, address FROM flaws JOIN own USING (repository))
SELECT kind, address, number, path, expected, found, (SELECT count(*) FROM ours) AS many
FROM ours
ORDER BY kind, address, number, path LIMIT $limit
