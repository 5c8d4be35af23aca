SELECT run_id, kind, plan_id, source, destinations, state, started_at, ended_at, flow_run_id, message
FROM runs
WHERE tenant = $tenant AND source = $source AND destinations = $destinations
  AND kind IN ('sync', 'apply') AND plan_id IS NOT NULL AND ended_at IS NOT NULL AND run_id <> $run_id
ORDER BY started_at DESC, run_id LIMIT 1
