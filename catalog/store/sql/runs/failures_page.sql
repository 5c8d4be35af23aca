-- A page of a run's failure cases, in the order recorded.
SELECT contract, consequence, path, row_number, column_name, failed_check, value, failures, batch, position
FROM contract_failures WHERE run_id = $run_id AND tenant = $tenant
  AND ($batch IS NULL OR batch > $batch OR batch = $batch AND position > $position)
ORDER BY batch, position LIMIT $count
