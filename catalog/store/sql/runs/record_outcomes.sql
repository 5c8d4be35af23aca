CREATE OR REPLACE TEMP TABLE incoming AS
SELECT left(parse_filename(filename), 33) AS batch, file_row_number AS position, run_id, plan_id,
  md5($tenant || chr(31) || destination)::UUID AS repository, md5($tenant || chr(31) || path)::UUID AS nkey,
  destination, path, origin, action, status, proof, unhex(digest) AS digest, size, etag, modified_us,
  origin_etag, origin_size, origin_modified_us, content_type, attempts, error, message, expected, found, cleaned
FROM read_parquet($files, filename = true, file_row_number = true);

INSERT INTO outcomes SELECT * FROM incoming ORDER BY batch, position;

-- The latest outcome of each path; a window function would carry every column.
CREATE OR REPLACE TEMP TABLE landed AS
SELECT * FROM incoming WHERE rowid IN (
  SELECT arg_max(rowid, (batch, position)) FROM incoming
  WHERE status IN ('stored', 'removed', 'catalogued') OR (status = 'kept' AND digest IS NOT NULL)
  GROUP BY repository, nkey
);

-- A gateway's files have no plan with their origin: the catalogued row has it.
CREATE OR REPLACE TEMP TABLE whence AS
SELECT o.repository, o.nkey, o.origin FROM origins o JOIN landed i ON o.repository = i.repository AND o.nkey = i.nkey;

DELETE FROM origins USING landed WHERE origins.repository = landed.repository AND origins.nkey = landed.nkey;

-- What was stored and is only catalogued from now on can be fetched from its origin.
INSERT INTO origins
SELECT l.repository, l.nkey, l.path, 'on_demand', l.digest, l.size, l.origin, l.origin_path, l.origin_etag,
  l.origin_modified_us, i.content_type, NULL, i.run_id, make_timestamp(left(i.batch, 20)::BIGINT // 1000)
FROM locations l JOIN landed i ON l.repository = i.repository AND l.nkey = i.nkey
WHERE i.status = 'catalogued' ORDER BY l.nkey;

DELETE FROM locations USING landed
WHERE locations.repository = landed.repository AND locations.nkey = landed.nkey;

INSERT INTO locations
SELECT i.repository, i.nkey, i.path, i.digest, i.size, i.etag, i.modified_us,
  coalesce(md5($tenant || chr(31) || p.source)::UUID, w.origin), i.origin, i.origin_etag, i.origin_size,
  i.origin_modified_us, i.proof, i.run_id, make_timestamp(left(i.batch, 20)::BIGINT // 1000)
FROM landed i LEFT JOIN plans p ON p.plan_id = i.plan_id AND p.tenant = $tenant
LEFT JOIN whence w ON w.repository = i.repository AND w.nkey = i.nkey
WHERE i.status NOT IN ('removed', 'catalogued') AND i.digest IS NOT NULL
ORDER BY i.nkey;

INSERT INTO artifacts
SELECT digest, any_value(size), min(make_timestamp(left(batch, 20)::BIGINT // 1000))
FROM landed WHERE digest IS NOT NULL AND digest NOT IN (SELECT digest FROM artifacts)
GROUP BY digest ORDER BY digest
