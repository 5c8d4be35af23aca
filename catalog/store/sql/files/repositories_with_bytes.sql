-- Repositories that have bytes of a version, or were their origin; those with most bytes first.
SELECT a.address FROM (
  SELECT DISTINCT digest FROM content
  WHERE repository = $repository::UUID AND digest IS NOT NULL
    AND added_in <= $number AND (removed_in IS NULL OR removed_in > $number)
) c
JOIN (
  SELECT digest, repository FROM locations UNION ALL SELECT digest, origin FROM locations WHERE origin_path <> ''
  UNION ALL SELECT digest, origin FROM origins WHERE digest IS NOT NULL AND origin IS NOT NULL
) l USING (digest) JOIN repositories a ON a.repository = l.repository
WHERE a.tenant = $tenant
GROUP BY a.address ORDER BY count(*) DESC, a.address
