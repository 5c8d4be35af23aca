-- What a repository lists and does not store, and where its bytes lie: the source as it was when it
-- was listed. At most one row per repository and path; `origin` is NULL where only the digest leads
-- to them. A location of the same path, if there is one, tells of older bytes.
CREATE TABLE origins (
  repository UUID NOT NULL, nkey UUID NOT NULL, path VARCHAR NOT NULL, policy VARCHAR NOT NULL, digest BLOB,
  size BIGINT, origin UUID, origin_path VARCHAR, etag VARCHAR, modified_us BIGINT, content_type VARCHAR,
  properties VARCHAR, run_id VARCHAR, recorded_at TIMESTAMP NOT NULL
);
