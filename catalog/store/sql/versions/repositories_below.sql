-- The repositories whose addresses begin with $start and that have versions of other runs than pulls: what a
-- pull copied can be pulled again.
SELECT DISTINCT a.address FROM repositories a
JOIN repository_versions v USING (repository)
LEFT JOIN runs r ON r.run_id = v.run_id AND r.tenant = $tenant
WHERE a.tenant = $tenant AND starts_with(a.address, $start) AND v.number > 0
  AND r.kind IS DISTINCT FROM 'pull'
ORDER BY a.address
