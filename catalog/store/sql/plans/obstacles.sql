-- Removals that block an arrival in the same tree: a file where a folder is needed, or files below a path that
-- becomes a file. Each is done in the batch of the first arrival that needs its path.
CREATE OR REPLACE TEMP TABLE obstacles (nkey UUID, arrival UUID, conflict VARCHAR);

CREATE OR REPLACE TEMP TABLE going AS
SELECT DISTINCT nkey, path, target FROM decided
WHERE action = 'remove' AND target IN (SELECT unnest($trees::INTEGER[]))
