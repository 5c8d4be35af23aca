-- Paths of a version whose bytes the repository is not recorded to have.
SELECT c.path FROM content c
LEFT JOIN (SELECT nkey, digest FROM locations WHERE repository = $repository::UUID) l
  ON l.nkey = c.nkey AND l.digest = c.digest
WHERE c.repository = $repository::UUID AND c.added_in <= $number
  AND (c.removed_in IS NULL OR c.removed_in > $number) AND l.nkey IS NULL
ORDER BY c.path LIMIT $limit
