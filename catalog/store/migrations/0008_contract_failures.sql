-- What contracts found in the files of a run: the first failure cases of each file.
CREATE TABLE contract_failures (
  batch VARCHAR NOT NULL, position BIGINT NOT NULL, run_id VARCHAR NOT NULL,
  contract VARCHAR NOT NULL, consequence VARCHAR NOT NULL, path VARCHAR NOT NULL, origin VARCHAR NOT NULL,
  origin_etag VARCHAR, digest BLOB, failures BIGINT NOT NULL, row_number BIGINT, column_name VARCHAR,
  failed_check VARCHAR NOT NULL, value VARCHAR, aside VARCHAR
);

CREATE VIEW failure_cases AS
SELECT f.run_id, r.source, r.started_at, f.contract, f.consequence, f.path, f.origin, f.origin_etag,
  lower(hex(f.digest)) AS digest, f.failures, f.row_number, f.column_name, f.failed_check, f.value, f.aside
FROM contract_failures f LEFT JOIN runs r USING (run_id);
