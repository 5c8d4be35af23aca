-- A page of a version's content, in path order.
SELECT path, size, etag, modified_us, lower(hex(digest)) AS digest, content_type, properties
FROM content
WHERE repository = $repository::UUID AND added_in <= $number AND (removed_in IS NULL OR removed_in > $number)
  AND starts_with(path, $prefix) AND ($after IS NULL OR path > $after)
  AND ($pattern IS NULL OR regexp_full_match(path, $pattern))
ORDER BY path LIMIT $count
