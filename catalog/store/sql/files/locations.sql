SELECT a.address, l.path, lower(hex(l.digest)), l.size, l.etag, l.modified_us, l.proof, o.address,
  l.origin_path, l.run_id, l.recorded_at
FROM (SELECT * FROM locations WHERE digest = unhex($digest)) l
JOIN repositories a USING (repository) LEFT JOIN repositories o ON o.repository = l.origin
WHERE a.tenant = $tenant
ORDER BY a.address, l.path
