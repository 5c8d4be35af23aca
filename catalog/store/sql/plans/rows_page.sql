-- A page of a plan's rows, by path and target.
SELECT r.path, (p.request::JSON -> 'targets' -> r.target) ->> 'address', r.action, r.reason, r.size, r.target
FROM (
  SELECT * FROM plan_rows
  WHERE plan_id = $plan_id AND list_contains($actions::VARCHAR[], action)
    AND ($path IS NULL OR path > $path OR path = $path AND target > $target)
  ORDER BY path, target LIMIT $count
) r JOIN plans p USING (plan_id)
WHERE p.tenant = $tenant
ORDER BY r.path, r.target
