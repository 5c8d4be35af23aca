-- Removals that stand in the way of what arrives at the same tree: a file where a folder has to be, or files below
-- what becomes a file. Each is done in the batch of the first arrival that needs its place.
CREATE OR REPLACE TEMP TABLE obstacles (nkey UUID, arrival UUID, conflict VARCHAR);

CREATE OR REPLACE TEMP TABLE going AS
SELECT DISTINCT nkey, path, target FROM decided
WHERE action = 'remove' AND target IN (SELECT unnest($trees::INTEGER[]))
