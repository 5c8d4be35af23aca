-- Every folder that a path needs, against every path that would be a file of that name.
WITH RECURSIVE folders AS (
  SELECT DISTINCT left(path, length(path) - strpos(reverse(path), '/')) AS folder
  FROM wanted WHERE selected AND contains(path, '/')
  UNION
  SELECT left(folder, length(folder) - strpos(reverse(folder), '/')) FROM folders WHERE contains(folder, '/')
), files AS (
  SELECT min(path) AS file FROM wanted WHERE selected AND path IN (SELECT folder FROM folders)
)
SELECT file, min(path) FROM files, wanted
WHERE file IS NOT NULL AND selected AND starts_with(path, file || '/') GROUP BY file
