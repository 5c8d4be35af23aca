-- What a plan saw at the destination, so that it is applied only while that still stands there.
ALTER TABLE plan_rows ADD COLUMN seen BOOLEAN;
ALTER TABLE plan_rows ADD COLUMN seen_size BIGINT;
ALTER TABLE plan_rows ADD COLUMN seen_etag VARCHAR;
ALTER TABLE plan_rows ADD COLUMN seen_modified_us BIGINT;
