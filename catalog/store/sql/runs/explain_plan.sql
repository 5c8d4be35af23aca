-- The plan of a run, and the latest version of its source when it was made.
SELECT p.request, p.repository, (
  SELECT max(number) FROM repository_versions v
  WHERE v.repository = p.repository AND v.created_at <= p.created_at
)
FROM (
  SELECT request, created_at, md5($tenant || chr(31) || source)::UUID AS repository FROM plans
  WHERE tenant = $tenant AND plan_id = (
    SELECT coalesce(
      (SELECT plan_id FROM runs WHERE run_id = $run_id AND tenant = $tenant),
      (SELECT max(plan_id) FROM outcomes WHERE run_id = $run_id
        AND repository IN (SELECT repository FROM repositories WHERE tenant = $tenant)),
      (SELECT max(plan_id) FROM plans WHERE run_id = $run_id AND tenant = $tenant)))
) p
