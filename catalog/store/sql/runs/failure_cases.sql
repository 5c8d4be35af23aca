SELECT contract, consequence, path, origin, origin_etag, lower(hex(digest)), failures, aside,
  failed_check, row_number, column_name, value
FROM contract_failures WHERE run_id = $run_id AND tenant = $tenant
ORDER BY batch, position LIMIT $limit
