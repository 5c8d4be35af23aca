-- Pairs the files of `clashing` with what is below them.
CREATE OR REPLACE TEMP TABLE clashes AS
WITH pairs AS (
  SELECT f.nkey AS file_key, f.path AS file, d.nkey AS below_key, d.path AS below
  FROM ({folders_of_wanted}) d JOIN clashing f ON f.path = d.folder
)
SELECT nkey, min(other) AS conflict FROM (
  SELECT file_key AS nkey, below AS other FROM pairs UNION ALL SELECT below_key, file FROM pairs
) GROUP BY nkey;

UPDATE wanted SET conflict = clashes.conflict FROM clashes WHERE wanted.nkey = clashes.nkey
