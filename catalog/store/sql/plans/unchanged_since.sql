-- Since when a file has been unchanged, according to the record of the source.
LEFT JOIN (
  SELECT c.path AS steady_path, c.size AS steady_size, c.etag AS steady_etag,
    epoch_us(v.created_at) AS steady_us
  FROM content c JOIN repository_versions v ON v.repository = c.repository AND v.number = c.added_in
  WHERE c.repository = $source::UUID AND c.added_in <= $version
    AND (c.removed_in IS NULL OR c.removed_in > $version)
) ON steady_path = origin
