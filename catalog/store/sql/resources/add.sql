-- Rows come as one JSON: a statement for each would take as long as one for thousands.
CREATE OR REPLACE TEMP TABLE adding AS
SELECT unnest(from_json($rows::JSON, '[{"nkey": "UUID", "name": "VARCHAR", "version": "BIGINT", "created_us": "BIGINT",
  "size": "BIGINT", "digest": "VARCHAR", "digests": "VARCHAR", "content_type": "VARCHAR", "storage_type": "VARCHAR",
  "url": "VARCHAR", "encoding": "VARCHAR", "compression": "VARCHAR", "data": "VARCHAR", "address": "VARCHAR",
  "path": "VARCHAR", "properties": "VARCHAR", "place": "UUID", "place_key": "UUID"}]'), recursive := true);

INSERT INTO resources
SELECT $tenant, nkey, name, version, false, make_timestamp(created_us), size, unhex(digest), digests,
  content_type, storage_type, url, encoding, compression, data, address, path, properties
FROM adding;

DELETE FROM locations USING adding
WHERE adding.digest IS NOT NULL AND locations.repository = adding.place AND locations.nkey = adding.place_key;

INSERT INTO locations
SELECT DISTINCT ON (place, place_key) place, place_key, path, unhex(digest), size, NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, 'write-proved', NULL, $now
FROM adding WHERE place IS NOT NULL AND digest IS NOT NULL;

INSERT INTO artifacts
SELECT DISTINCT ON (digest) unhex(digest), size, $now FROM adding
WHERE place IS NOT NULL AND digest IS NOT NULL AND unhex(digest) NOT IN (SELECT digest FROM artifacts);

DROP TABLE adding
