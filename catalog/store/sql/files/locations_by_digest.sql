-- Known locations of the bytes that a repository ever had, at most five for each digest. Repositories that only
-- list them come last: they may not store them.
SELECT digest, list({'address': address, 'path': path} ORDER BY rank, address, path)[:5] AS places
FROM (
  SELECT l.digest, a.address, l.path, min(l.rank) AS rank
  FROM (
    SELECT digest, repository, path, CASE WHEN repository = $repository::UUID THEN 0 ELSE 2 END AS rank
    FROM locations
    UNION ALL
    SELECT digest, repository, path, CASE WHEN repository = $repository::UUID THEN 1 ELSE 4 END FROM content
    WHERE digest IS NOT NULL AND removed_in IS NULL
    UNION ALL
    SELECT digest, origin, origin_path, 3 FROM locations WHERE origin IS NOT NULL AND origin_path IS NOT NULL
  ) l JOIN repositories a USING (repository)
  WHERE a.tenant = $tenant
    AND l.digest IN (SELECT digest FROM content WHERE repository = $repository::UUID AND digest IS NOT NULL)
  GROUP BY l.digest, a.address, l.path
)
GROUP BY digest
