SELECT path, path AS origin, size, etag, modified_us, lower(hex(digest)) AS sha256,
  'sha256:' || lower(hex(digest)) AS digests, content_type, properties
FROM content
WHERE repository = $source::UUID AND added_in <= $version
  AND (removed_in IS NULL OR removed_in > $version)
