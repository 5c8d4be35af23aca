SELECT plan_id, digest, created_at, source, mode, strategy, tallies, batches, matched
FROM plans WHERE plan_id = $plan_id
