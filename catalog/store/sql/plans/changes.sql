SELECT r.path, (p.request::JSON -> 'targets' -> r.target) ->> 'address', r.action, r.reason, r.size
FROM plan_rows r JOIN plans p USING (plan_id)
WHERE r.plan_id = $plan_id AND p.tenant = $tenant
  AND r.action <> 'keep'
ORDER BY r.action <> 'remove', r.path, r.target LIMIT $limit
