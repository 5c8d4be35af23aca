-- The entries of a folder of a version: its files, and its folders with the totals of everything below them.
SELECT name, bool_or(folder) AS folder, count(*) AS files, sum(size) AS size, max(modified_us) AS modified_us
FROM (
  SELECT split_part(substr(path, length($prefix) + 1), '/', 1) AS name,
    contains(substr(path, length($prefix) + 1), '/') AS folder, size, modified_us
  FROM content
  WHERE repository = $repository::UUID AND starts_with(path, $prefix)
    AND added_in <= $number AND (removed_in IS NULL OR removed_in > $number)
)
GROUP BY name, folder ORDER BY folder DESC, name LIMIT $count OFFSET $offset
