-- One path of one version.
SELECT path, size, etag, modified_us, lower(hex(digest)) AS digest, content_type, properties
FROM content
WHERE nkey = $nkey::UUID AND repository = $repository::UUID
  AND added_in <= $number AND (removed_in IS NULL OR removed_in > $number)
