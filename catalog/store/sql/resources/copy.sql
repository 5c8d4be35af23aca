-- Copies versions of a name to another one, numbered from $first on, in order; the bytes are shared.
INSERT INTO resources
SELECT tenant, $to_key::UUID, $to, $first + row_number() OVER (ORDER BY version) - 1, false, make_timestamp($created_us),
  size, digest, digests, content_type, storage_type, url, encoding, compression, data, address, path, properties
FROM resources
WHERE tenant = $tenant AND nkey = $nkey::UUID
  AND version IN (SELECT unnest(from_json($versions::JSON, '["BIGINT"]')))
