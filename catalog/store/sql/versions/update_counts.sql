UPDATE repository_versions SET added = d.added, replaced = d.replaced, removed = d.removed, total = c.total,
  bytes = c.bytes
FROM (
  SELECT count(*) FILTER (change = 'added') AS added, count(*) FILTER (change = 'replaced') AS replaced,
    count(*) FILTER (change = 'removed') AS removed
  FROM ({changed})
) d, (
  SELECT count(*) AS total, coalesce(sum(size), 0)::BIGINT AS bytes FROM content
  WHERE repository = $repository::UUID AND added_in <= $new AND (removed_in IS NULL OR removed_in > $new)
) c
WHERE repository = $repository::UUID AND number = $new
