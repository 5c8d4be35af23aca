-- The last row of a path that was dropped from the versions since $since, and the last version that had it.
SELECT c.path, c.size, c.etag, c.modified_us, lower(hex(c.digest)) AS digest, c.content_type, c.properties,
  (SELECT max(number) FROM repository_versions WHERE repository = $repository::UUID AND number < c.removed_in)
FROM content c
JOIN repository_versions v ON v.repository = c.repository AND v.number = c.removed_in
WHERE c.nkey = $nkey::UUID AND c.repository = $repository::UUID AND v.created_at >= $since
ORDER BY c.removed_in DESC LIMIT 1
