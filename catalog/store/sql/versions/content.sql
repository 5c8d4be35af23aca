SELECT path, size, etag, modified_us, lower(hex(digest)) AS digest, content_type, properties
FROM content
WHERE repository = $repository::UUID AND added_in <= $number AND (removed_in IS NULL OR removed_in > $number)
ORDER BY path
