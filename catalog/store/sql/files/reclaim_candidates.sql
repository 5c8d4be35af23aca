-- Files that a repository stores as in its latest version, and the other locations of their bytes outside the
-- repositories to reclaim. Files of kept versions stay, and those that another repository lists and can only
-- fetch from here.
SELECT path, size, etag, modified_us, lower(hex(digest)), places FROM (
  SELECT l.path, l.size, l.etag, l.modified_us, l.digest,
    list(DISTINCT {'address': p.address, 'path': p.path, 'etag': p.etag, 'modified_us': p.modified_us}) AS places
  FROM locations l
  JOIN (
    SELECT nkey, digest FROM content WHERE repository = $repository::UUID AND removed_in IS NULL
  ) c ON c.nkey = l.nkey AND c.digest = l.digest
  JOIN (
    SELECT k.digest, a.address, k.path, k.etag, k.modified_us FROM (
      SELECT digest, repository, path, etag, modified_us FROM locations
      UNION ALL
      SELECT digest, origin, origin_path, origin_etag, origin_modified_us FROM locations WHERE origin_path <> ''
      UNION ALL
      SELECT digest, origin, origin_path, etag, modified_us FROM origins WHERE digest IS NOT NULL
    ) k JOIN repositories a USING (repository)
    WHERE a.tenant = $tenant AND NOT list_contains($excluded::VARCHAR[], a.address)
      AND NOT regexp_matches(a.address, '/\.entrepot/(history|numbers)$') -- may be pruned any day
  ) p ON p.digest = l.digest
  WHERE l.repository = $repository::UUID AND l.size IS NOT NULL
    AND l.nkey NOT IN (SELECT nkey FROM origins WHERE repository = $repository::UUID)
    AND l.path NOT IN (
      SELECT origin_path FROM origins WHERE origin = $repository::UUID AND digest IS NULL AND origin_path IS NOT NULL
    )
    AND l.digest NOT IN (
      SELECT v.digest FROM content v JOIN (
        SELECT unnest($kept::UUID[]) AS repository, unnest($numbers::BIGINT[]) AS number
      ) k ON v.repository = k.repository AND v.added_in <= k.number AND (v.removed_in IS NULL OR v.removed_in > k.number)
      WHERE v.digest IS NOT NULL
    )
  GROUP BY ALL
) ORDER BY path
