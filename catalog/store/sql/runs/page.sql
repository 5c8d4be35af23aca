-- A page of runs, the latest first.
SELECT run_id, kind, plan_id, source, destinations, state, started_at, ended_at, flow_run_id, message
FROM runs WHERE tenant = $tenant
  AND ($state IS NULL OR state = $state) AND ($kind IS NULL OR kind = $kind)
  AND ($flow_run_id IS NULL OR flow_run_id = $flow_run_id)
  AND ($within::VARCHAR[] IS NULL OR (
    (source IS NOT NULL OR destinations <> '[]')
    AND (source IS NULL OR list_contains($within::VARCHAR[], source))
    AND list_has_all($within::VARCHAR[], from_json(destinations, '["VARCHAR"]'))
  ))
  AND ($started_us IS NULL OR started_at < make_timestamp($started_us)
    OR started_at = make_timestamp($started_us) AND run_id > $run_id)
ORDER BY started_at DESC, run_id LIMIT $count
