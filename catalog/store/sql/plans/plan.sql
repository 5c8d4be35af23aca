SELECT p.plan_id, p.digest, p.created_at, p.source, p.mode, p.strategy, p.tallies, p.batches, p.matched,
  p.request::JSON ->> 'policy', f.requests, f.seconds, f.samples
FROM plans p LEFT JOIN forecasts f USING (plan_id) WHERE p.plan_id = $plan_id
  AND p.tenant = $tenant
