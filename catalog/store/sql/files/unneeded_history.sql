-- Files of a history that no version of its repository needs and that were kept before $before. Their own time
-- does not count: it is that of the file at its former path.
SELECT l.path, l.size FROM (
  SELECT md5($tenant || chr(31) || path)::UUID AS nkey, path, size, modified_us FROM read_parquet($files)
) l
LEFT JOIN (SELECT nkey, digest, recorded_at FROM locations WHERE repository = $history::UUID) k USING (nkey)
WHERE coalesce(k.recorded_at, make_timestamp(l.modified_us), $before::TIMESTAMP - INTERVAL 1 SECOND) < $before::TIMESTAMP
  AND (NOT starts_with(l.path, 'sha256/') OR coalesce(k.digest, unhex(replace(l.path[8:], '/', ''))) NOT IN (
    SELECT digest FROM content WHERE repository = $repository::UUID AND digest IS NOT NULL))
ORDER BY l.path
