CREATE OR REPLACE TEMP TABLE moving AS
SELECT row_number() OVER () - 1 AS position, nkey, size FROM (
  SELECT nkey, coalesce(size, 0) AS size FROM wanted
  WHERE selected AND ($kept OR nkey IN (
    SELECT nkey FROM decided
    WHERE action IN ('add', 'replace') OR reason = 'no marker at the destination yet'
  ))
  ORDER BY path
);

CREATE OR REPLACE TEMP TABLE leaving AS
SELECT row_number() OVER () - 1 AS position, nkey, path, size FROM (
  SELECT nkey, any_value(path) AS path, max(size) AS size FROM decided
  WHERE action = 'remove' AND nkey NOT IN (SELECT nkey FROM obstacles)
  GROUP BY nkey ORDER BY path
)
