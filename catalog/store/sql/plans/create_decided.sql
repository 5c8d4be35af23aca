DELETE FROM wanted WHERE NOT selected AND nkey IN (SELECT nkey FROM wanted WHERE selected);

ALTER TABLE wanted ADD COLUMN conflict VARCHAR;

CREATE OR REPLACE TEMP TABLE decided (
  target INTEGER, nkey UUID, path VARCHAR, action VARCHAR, reason VARCHAR, size BIGINT,
  seen BOOLEAN, seen_size BIGINT, seen_etag VARCHAR, seen_modified_us BIGINT
);

CREATE OR REPLACE TEMP TABLE unstored (target INTEGER, nkey UUID)
