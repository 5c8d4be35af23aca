-- The difference between versions $old and $new: only rows that are valid in one of them are compared.
SELECT coalesce(n.path, o.path) AS path,
  CASE WHEN o.nkey IS NULL THEN 'added' WHEN n.nkey IS NULL THEN 'removed' ELSE 'replaced' END AS change,
  o.size AS old_size, n.size AS new_size, o.digest AS old_digest, n.digest AS new_digest
FROM (
  SELECT * FROM content
  WHERE repository = $repository::UUID AND added_in <= $old AND (removed_in IS NULL OR removed_in > $old)
    AND (added_in > $new OR removed_in <= $new)
) o FULL JOIN (
  SELECT * FROM content
  WHERE repository = $repository::UUID AND added_in <= $new AND (removed_in IS NULL OR removed_in > $new)
    AND (added_in > $old OR removed_in <= $old)
) n ON n.nkey = o.nkey
WHERE o.nkey IS NULL OR n.nkey IS NULL OR
