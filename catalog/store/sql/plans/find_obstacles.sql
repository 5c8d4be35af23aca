-- The removals of `going` that are obstacles.
CREATE OR REPLACE TEMP TABLE coming AS
SELECT DISTINCT nkey, path, target FROM decided
WHERE action IN ('add', 'replace') AND target IN (SELECT unnest($trees::INTEGER[]));

INSERT INTO obstacles
SELECT nkey, arg_min(arrival, path) AS arrival, min(path) AS conflict FROM (
  SELECT g.nkey, c.nkey AS arrival, c.path FROM ({folders_of_coming}) c
  JOIN going g ON g.path = c.folder AND g.target = c.target
  UNION ALL
  SELECT g.nkey, c.nkey, c.path FROM ({folders_of_going}) g
  JOIN coming c ON c.path = g.folder AND c.target = g.target
) GROUP BY nkey
