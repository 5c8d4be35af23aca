-- Rows of resources with the columns that a person's condition sees, the name as `path`: a page of them, copied out.
SELECT name, version, created_at, size, content_type, storage_type, url, encoding, compression, data, address,
  path AS lies_at, digests, properties, name AS path, url AS origin, NULL::VARCHAR AS etag,
  epoch_us(created_at) AS modified_us, lower(hex(digest)) AS sha256
FROM resources
WHERE tenant = $tenant AND (latest OR $every) AND starts_with(name, $prefix) {conditions}
ORDER BY {order}
LIMIT $count
