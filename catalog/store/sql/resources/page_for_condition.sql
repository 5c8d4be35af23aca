-- A page of resources with the columns that a user's condition can use, the name as `path`, to be copied out.
SELECT name, version, created_at, size, content_type, storage_type, url, encoding, compression, data, address,
  path AS lies_at, digests, properties, name AS path, url AS origin, NULL::VARCHAR AS etag,
  epoch_us(created_at) AS modified_us, lower(hex(digest)) AS sha256
FROM resources
WHERE tenant = $tenant AND (latest OR $every) AND starts_with(name, $prefix) {conditions}
ORDER BY {order}
LIMIT $count
