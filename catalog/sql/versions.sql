SELECT number, base, created_at, run_id, added, replaced, removed, total, bytes
FROM repository_versions WHERE repository = $repository::UUID ORDER BY number
