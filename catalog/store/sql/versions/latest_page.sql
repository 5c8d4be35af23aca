-- The latest version of each of these repositories that has one.
SELECT a.address, v.number, v.base, v.created_at, v.run_id, v.added, v.replaced, v.removed, v.total, v.bytes
FROM repositories a JOIN repository_versions v USING (repository)
WHERE a.tenant = $tenant AND list_contains($addresses::VARCHAR[], a.address)
QUALIFY row_number() OVER (PARTITION BY v.repository ORDER BY v.number DESC) = 1
