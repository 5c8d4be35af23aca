-- Large tables have no index: their rows come sorted by `nkey`, md5(tenant || chr(31) || path),
-- and zone maps find them. Timestamps are UTC without a zone. Addresses hold no secret.

CREATE TABLE schema_migrations (
  number INTEGER NOT NULL, name VARCHAR NOT NULL, sha256 VARCHAR NOT NULL, applied_at TIMESTAMP NOT NULL
);

-- What was folded already, and what it answered; one row per order.
CREATE TABLE ingested (
  batch VARCHAR NOT NULL, kind VARCHAR NOT NULL, result VARCHAR NOT NULL, folded_at TIMESTAMP NOT NULL
);

-- `repository` is md5(tenant || chr(31) || address).
CREATE TABLE repositories (
  repository UUID NOT NULL, tenant VARCHAR NOT NULL, address VARCHAR NOT NULL, label VARCHAR,
  first_seen TIMESTAMP NOT NULL
);

CREATE TABLE repository_versions (
  repository UUID NOT NULL, number BIGINT NOT NULL, base BIGINT, created_at TIMESTAMP NOT NULL,
  run_id VARCHAR, plan_id VARCHAR, added BIGINT NOT NULL, replaced BIGINT NOT NULL,
  removed BIGINT NOT NULL, total BIGINT NOT NULL, bytes BIGINT NOT NULL
);

-- A row is valid from version `added_in` until before `removed_in`.
CREATE TABLE content (
  repository UUID NOT NULL, nkey UUID NOT NULL, path VARCHAR NOT NULL, size BIGINT, etag VARCHAR,
  modified_us BIGINT, digest BLOB, content_type VARCHAR, properties VARCHAR,
  added_in BIGINT NOT NULL, removed_in BIGINT
);

CREATE TABLE artifacts (digest BLOB NOT NULL, size BIGINT, first_seen TIMESTAMP NOT NULL);

-- At most one row per repository and path; `origin…` is the source as it was when copied.
CREATE TABLE locations (
  repository UUID NOT NULL, nkey UUID NOT NULL, path VARCHAR NOT NULL, digest BLOB NOT NULL,
  size BIGINT, etag VARCHAR, modified_us BIGINT, origin UUID, origin_path VARCHAR,
  origin_etag VARCHAR, origin_size BIGINT, origin_modified_us BIGINT, proof VARCHAR,
  run_id VARCHAR, recorded_at TIMESTAMP NOT NULL
);

CREATE TABLE plans (
  plan_id VARCHAR NOT NULL, digest VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL, run_id VARCHAR,
  source VARCHAR NOT NULL, mode VARCHAR NOT NULL, strategy VARCHAR NOT NULL, request VARCHAR NOT NULL,
  tallies VARCHAR NOT NULL, batches INTEGER NOT NULL, matched BIGINT NOT NULL
);

CREATE TABLE plan_batches (
  plan_id VARCHAR NOT NULL, number INTEGER NOT NULL, count BIGINT NOT NULL, bytes BIGINT NOT NULL
);

-- One row per path and target; `batch` is NULL where nothing is to be done.
CREATE TABLE plan_rows (
  plan_id VARCHAR NOT NULL, target INTEGER NOT NULL, nkey UUID NOT NULL, path VARCHAR NOT NULL,
  action VARCHAR NOT NULL, reason VARCHAR NOT NULL, size BIGINT, batch INTEGER
);

-- One row per path that is read once, or removed.
CREATE TABLE plan_items (
  plan_id VARCHAR NOT NULL, batch INTEGER NOT NULL, position BIGINT NOT NULL, nkey UUID NOT NULL,
  path VARCHAR NOT NULL, origin VARCHAR, size BIGINT, etag VARCHAR, modified_us BIGINT,
  digest BLOB, digests VARCHAR, content_type VARCHAR, properties VARCHAR
);

CREATE TABLE runs (
  run_id VARCHAR NOT NULL, kind VARCHAR NOT NULL, plan_id VARCHAR, source VARCHAR,
  destinations VARCHAR NOT NULL, state VARCHAR NOT NULL, started_at TIMESTAMP NOT NULL,
  ended_at TIMESTAMP, flow_run_id VARCHAR, message VARCHAR
);

CREATE TABLE outcomes (
  batch VARCHAR NOT NULL, position BIGINT NOT NULL, run_id VARCHAR NOT NULL, plan_id VARCHAR NOT NULL,
  repository UUID NOT NULL, nkey UUID NOT NULL, destination VARCHAR NOT NULL, path VARCHAR NOT NULL,
  origin VARCHAR NOT NULL, action VARCHAR NOT NULL, status VARCHAR NOT NULL, proof VARCHAR,
  digest BLOB, size BIGINT, etag VARCHAR, modified_us BIGINT, origin_etag VARCHAR,
  origin_size BIGINT, origin_modified_us BIGINT, content_type VARCHAR, attempts BIGINT NOT NULL,
  error VARCHAR, message VARCHAR, expected VARCHAR, found VARCHAR, cleaned BOOLEAN NOT NULL
);
