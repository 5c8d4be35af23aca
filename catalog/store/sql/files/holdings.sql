SELECT path, lower(hex(digest)) AS digest, size, etag FROM locations
WHERE repository = $repository::UUID AND digest IS NOT NULL ORDER BY path
