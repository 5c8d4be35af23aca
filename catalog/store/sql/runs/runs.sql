SELECT run_id, kind, plan_id, source, destinations, state, started_at, ended_at, flow_run_id, message
FROM runs WHERE tenant = $tenant AND ($run_id IS NULL OR run_id = $run_id)
ORDER BY started_at DESC, run_id LIMIT $limit
