-- Resource versions, counted for each name from 0 (a repository's versions are another counter). The bytes
-- lie at `address` and `path`; both are NULL of one that was registered: only its `url` leads to them.
CREATE TABLE resources (
  tenant VARCHAR NOT NULL, nkey UUID NOT NULL, name VARCHAR NOT NULL, version BIGINT NOT NULL,
  latest BOOLEAN NOT NULL, created_at TIMESTAMP NOT NULL, size BIGINT, digest BLOB, digests VARCHAR,
  content_type VARCHAR, storage_type VARCHAR NOT NULL, url VARCHAR NOT NULL, encoding VARCHAR,
  compression VARCHAR, data VARCHAR, address VARCHAR, path VARCHAR, properties VARCHAR NOT NULL
);

-- The highest number that a deleted version of a name had: it is not given again.
CREATE TABLE resource_numbers (tenant VARCHAR NOT NULL, nkey UUID NOT NULL, highest BIGINT NOT NULL);

-- Bytes of deleted versions, until they are removed from their storage.
CREATE TABLE discarded (
  tenant VARCHAR NOT NULL, address VARCHAR NOT NULL, path VARCHAR NOT NULL, discarded_at TIMESTAMP NOT NULL
);
