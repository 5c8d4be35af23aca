-- What a repository is known to have: a path that is only catalogued is not `stored`, whatever file is there.
SELECT nkey, path, digest, size, etag, modified_us, origin, origin_path, origin_etag, origin_size,
  origin_modified_us, true AS stored, true AS stands, NULL AS content_type, NULL AS properties
FROM locations WHERE repository = $repository::UUID
  AND nkey NOT IN (SELECT nkey FROM origins WHERE repository = $repository::UUID)
UNION ALL
SELECT nkey, path, digest, size, NULL, NULL, origin, origin_path, etag, size, modified_us, false,
  nkey IN (SELECT nkey FROM locations WHERE repository = $repository::UUID), content_type, properties
FROM origins WHERE repository = $repository::UUID
