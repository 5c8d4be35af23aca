-- A page of resources: {conditions} narrow it, {order} sorts it. A person's own condition sees the columns of a
-- listing: the name is its `path`.
SELECT name, version, created_at, size, lower(hex(digest)) AS digest, content_type, storage_type, url,
  encoding, compression, data, address, lies_at AS path, digests, properties
FROM (
  SELECT * REPLACE (name AS path), path AS lies_at, url AS origin, NULL::VARCHAR AS etag,
    epoch_us(created_at) AS modified_us, lower(hex(digest)) AS sha256
  FROM resources
)
WHERE tenant = $tenant AND (latest OR $every) AND starts_with(name, $prefix) {conditions}
ORDER BY {order}
LIMIT $count
