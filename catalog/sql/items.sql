CREATE OR REPLACE TEMP TABLE moving AS
SELECT row_number() OVER (ORDER BY w.path) - 1 AS position, w.*
FROM wanted w
WHERE w.selected AND w.nkey IN (SELECT nkey FROM decided WHERE action IN ('add', 'replace'));

CREATE OR REPLACE TEMP TABLE leaving AS
SELECT row_number() OVER (ORDER BY path) - 1 AS position, nkey, path, size
FROM (SELECT nkey, any_value(path) AS path, max(size) AS size FROM decided WHERE action = 'remove' GROUP BY nkey)
