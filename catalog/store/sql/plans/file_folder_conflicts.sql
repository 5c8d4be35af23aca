-- A tree cannot have a file `a` and a file `a/b`: finds the paths that are files and folders at once. Few of the
-- folders that paths need have the name of a file, so only those are searched for among all paths.
CREATE OR REPLACE TEMP TABLE clashing AS
WITH RECURSIVE needed AS (
  SELECT DISTINCT left(path, length(path) - strpos(reverse(path), '/')) AS folder
  FROM wanted WHERE selected AND contains(path, '/')
  UNION
  SELECT left(folder, length(folder) - strpos(reverse(folder), '/')) FROM needed WHERE contains(folder, '/')
)
SELECT nkey, path FROM wanted WHERE selected AND path IN (SELECT folder FROM needed)
