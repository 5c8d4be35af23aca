-- Takes out of the batches what no batch does: fetching bytes later, and removing what is only catalogued.
UPDATE plan_rows SET batch = NULL
WHERE plan_id = $plan_id AND action IN ('add', 'replace') AND $late;

UPDATE plan_rows SET batch = NULL FROM unstored u
WHERE plan_id = $plan_id AND action = 'remove' AND plan_rows.target = u.target AND plan_rows.nkey = u.nkey;

DELETE FROM plan_batches WHERE plan_id = $plan_id;

INSERT INTO plan_batches
SELECT $plan_id, batch, count(*), coalesce(sum(size) FILTER (origin IS NOT NULL), 0)
FROM plan_items i WHERE plan_id = $plan_id AND EXISTS (
  SELECT 1 FROM plan_rows r WHERE r.plan_id = $plan_id AND r.batch = i.batch AND r.nkey = i.nkey
)
GROUP BY batch ORDER BY batch
