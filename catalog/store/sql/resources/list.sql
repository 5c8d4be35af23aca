-- A page of resources: {conditions} filter it, {order} sorts it.
SELECT name, version, created_at, size, lower(hex(digest)) AS digest, content_type, storage_type, url,
  encoding, compression, data, address, path, digests, properties
FROM resources
WHERE tenant = $tenant AND (latest OR $every) AND starts_with(name, $prefix) {conditions}
ORDER BY {order}
LIMIT $count
