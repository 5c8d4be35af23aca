-- The work of the last ten completed runs between the same repositories, and how long they took.
SELECT count(o.run_id), coalesce(sum(o.size), 0)::BIGINT, any_value(r.seconds)
FROM (
  SELECT run_id, epoch(ended_at - started_at) AS seconds, started_at FROM runs
  WHERE tenant = $tenant AND state = 'completed' AND kind <> 'plan' AND source = $source
    AND destinations = $destinations AND ended_at IS NOT NULL
  ORDER BY started_at DESC LIMIT 10
) r JOIN (
  SELECT run_id, size FROM outcomes WHERE status IN ('stored', 'removed')
    AND repository IN (SELECT repository FROM repositories WHERE tenant = $tenant)
    AND NOT regexp_matches(destination, '/\.entrepot/(history|numbers)$')
) o USING (run_id)
GROUP BY r.run_id ORDER BY any_value(r.started_at) DESC
