SELECT number, count, bytes, number IN (
  SELECT batch FROM plan_items WHERE plan_id = $plan_id AND origin IS NULL
) FROM plan_batches WHERE plan_id = $plan_id ORDER BY number
