WITH labelled AS (
  SELECT l.number FROM version_labels l
  JOIN (SELECT unnest($keys::VARCHAR[]) AS key, unnest($values::VARCHAR[]) AS value) w ON w.key = l.key
  WHERE l.repository = $repository::UUID AND (w.value IS NULL OR w.value = l.value)
  GROUP BY l.number HAVING count(*) = len($keys::VARCHAR[])
), held AS MATERIALIZED (
  SELECT added_in, removed_in FROM content
  WHERE ($nkey IS NOT NULL OR $digest IS NOT NULL) AND repository = $repository::UUID
    AND ($nkey IS NULL OR nkey = $nkey::UUID) AND ($digest IS NULL OR digest = unhex($digest))
)
SELECT number, base, created_at, run_id, added, replaced, removed, total, bytes
FROM repository_versions
WHERE repository = $repository::UUID
  AND ($first IS NULL OR number >= $first) AND ($last IS NULL OR number <= $last)
  AND ($above IS NULL OR number > $above) AND ($below IS NULL OR number < $below)
  AND ($since IS NULL OR created_at >= $since) AND ($until IS NULL OR created_at <= $until)
  AND ($after IS NULL OR created_at > $after) AND ($before IS NULL OR created_at < $before)
  AND (len($keys::VARCHAR[]) = 0 OR number IN (SELECT number FROM labelled))
  AND ($nkey IS NULL AND $digest IS NULL OR EXISTS (
    SELECT 1 FROM held WHERE added_in <= number AND (removed_in IS NULL OR removed_in > number)
  ))
ORDER BY number
