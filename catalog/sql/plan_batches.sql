SELECT number, count, bytes, number IN (
  SELECT batch FROM plan_items WHERE plan_id = $plan_id AND origin IS NULL
) FROM plan_batches WHERE plan_id = $plan_id
  AND EXISTS (SELECT 1 FROM plans WHERE plan_id = $plan_id AND tenant = $tenant)
ORDER BY number
