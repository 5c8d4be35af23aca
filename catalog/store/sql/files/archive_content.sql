-- The artifacts of an archive: the bytes that each version in $numbers has and its predecessor in the archive
-- ($previous, in the same order) lacks. So each version can be built from what the importing site has.
SELECT w.path, lower(hex(w.digest)) AS digest, w.size, coalesce(p.places, []) AS places
FROM (
  SELECT c.digest, max(c.size) AS size, min(c.path) AS path
  FROM content c
  JOIN (SELECT unnest($numbers::BIGINT[]) AS number, unnest($previous::BIGINT[]) AS previous) s
    ON c.added_in <= s.number AND (c.removed_in IS NULL OR c.removed_in > s.number)
  WHERE c.repository = $repository::UUID AND c.digest IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM content o WHERE o.repository = $repository::UUID AND o.digest = c.digest
      AND o.added_in <= s.previous AND (o.removed_in IS NULL OR o.removed_in > s.previous)
  )
  GROUP BY c.digest
) w LEFT JOIN ({places}) p USING (digest)
ORDER BY w.digest
