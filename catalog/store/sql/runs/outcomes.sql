SELECT destination, path, origin, action, status, proof, lower(hex(digest)), size, etag, modified_us,
  origin_etag, origin_size, origin_modified_us, content_type, attempts, error, message, expected, found, cleaned
FROM outcomes WHERE run_id = $run_id
  AND repository IN (SELECT repository FROM repositories WHERE tenant = $tenant)
  AND ($status IS NULL OR status = $status)
ORDER BY batch, position LIMIT $limit
