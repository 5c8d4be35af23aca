-- Batches that only remove come last; those that remove obstacles to their arrivals come first.
SELECT b.number, b.count, b.bytes, coalesce(i.going AND NOT i.coming, false), coalesce(i.going AND i.coming, false)
FROM plan_batches b LEFT JOIN (
  SELECT batch, bool_or(origin IS NULL) AS going, bool_or(origin IS NOT NULL) AS coming
  FROM plan_items WHERE plan_id = $plan_id GROUP BY batch
) i ON i.batch = b.number
WHERE b.plan_id = $plan_id
  AND EXISTS (SELECT 1 FROM plans WHERE plan_id = $plan_id AND tenant = $tenant)
ORDER BY b.number
