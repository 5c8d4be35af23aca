INSERT INTO contract_failures
SELECT left(parse_filename(filename), 33), file_row_number, run_id, contract, consequence, path, origin,
  origin_etag, unhex(digest), failures, row_number, column_name, failed_check, value, aside, $tenant
FROM read_parquet($files, filename = true, file_row_number = true)
