-- Recorded locations of the bytes of a digest, at most eight: in the repository itself first, then where they were
-- written, then repositories that list that digest and are not known to lack it.
SELECT address, path, etag, size, modified_us FROM (
  SELECT a.address, l.path, l.etag, l.size, l.modified_us,
    CASE WHEN l.repository = $repository::UUID THEN 0 WHEN starts_with(a.address, $address || '/.entrepot/') THEN 1
      ELSE 2 END AS rank
  FROM (SELECT * FROM locations WHERE digest = unhex($digest)) l JOIN repositories a USING (repository)
  WHERE a.tenant = $tenant
  UNION ALL
  SELECT a.address, c.path, c.etag, c.size, c.modified_us, 3
  FROM (SELECT * FROM content WHERE digest = unhex($digest) AND removed_in IS NULL) c
  JOIN repositories a USING (repository)
  WHERE a.tenant = $tenant AND c.repository <> $repository::UUID
    AND (c.repository, c.nkey) NOT IN (SELECT repository, nkey FROM locations)
    AND (c.repository, c.nkey) NOT IN (SELECT repository, nkey FROM origins)
)
ORDER BY rank, address, path
LIMIT 8
