-- What the listings of a run could not see. `role` says what was listed: the source, a destination …
CREATE TABLE gaps (
  run_id VARCHAR NOT NULL, tenant VARCHAR NOT NULL, address VARCHAR NOT NULL, role VARCHAR NOT NULL,
  path VARCHAR NOT NULL, below BOOLEAN NOT NULL, code VARCHAR NOT NULL, why VARCHAR NOT NULL
);

-- The other path that needs this one's name as a folder, or the one that it lies below, where the
-- plan wants both: no tree can hold them.
ALTER TABLE plan_items ADD COLUMN conflict VARCHAR;
