CREATE OR REPLACE TEMP TABLE placed AS
SELECT m.nkey, b.number AS batch, m.position, false AS gone
FROM moving m JOIN (
  SELECT number, unnest(range(start, stop)) AS position FROM (
    SELECT number, start, lead(start, 1, (SELECT count(*) FROM moving)) OVER (ORDER BY start) AS stop
    FROM batch_starts
  )
) b USING (position)
UNION ALL
SELECT nkey, $removals + position // $count, position, true FROM leaving;

INSERT INTO placed
SELECT o.nkey, p.batch, (SELECT count(*) FROM moving) + row_number() OVER (), true
FROM obstacles o JOIN placed p ON p.nkey = o.arrival
