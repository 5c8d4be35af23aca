-- The versions of a resource, or one of them.
SELECT name, version, created_at, size, lower(hex(digest)) AS digest, content_type, storage_type, url,
  encoding, compression, data, address, path, digests, properties
FROM resources
WHERE nkey = $nkey::UUID AND tenant = $tenant AND ($version IS NULL OR version = $version)
ORDER BY version
