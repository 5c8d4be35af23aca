SELECT path, lower(hex(digest)) AS digest, size FROM locations
WHERE repository = $repository::UUID AND digest IS NOT NULL ORDER BY path
