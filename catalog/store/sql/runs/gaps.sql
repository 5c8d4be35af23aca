SELECT address, role, path, why, code, below FROM gaps
WHERE run_id = $run_id AND tenant = $tenant ORDER BY role <> 'source', address, path
