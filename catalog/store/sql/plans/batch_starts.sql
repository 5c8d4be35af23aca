CREATE OR REPLACE TEMP TABLE batch_starts AS
SELECT start, row_number() OVER (ORDER BY start) - 1 AS number
FROM (SELECT unnest($starts::BIGINT[]) AS start)
