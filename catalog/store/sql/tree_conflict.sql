-- A tree cannot hold a file `a` and a file `a/b`: each such path is told the other one. The folders that paths need are
-- few, and fewer still bear the name of a file: only these are looked for among the folders of every path.
CREATE OR REPLACE TEMP TABLE clashing AS
WITH RECURSIVE needed AS (
  SELECT DISTINCT left(path, length(path) - strpos(reverse(path), '/')) AS folder
  FROM wanted WHERE selected AND contains(path, '/')
  UNION
  SELECT left(folder, length(folder) - strpos(reverse(folder), '/')) FROM needed WHERE contains(folder, '/')
)
SELECT nkey, path FROM wanted WHERE selected AND path IN (SELECT folder FROM needed)
