-- The lines of a version's manifest; NULL for a path that cannot be written.
SELECT CASE WHEN digest IS NULL OR size IS NULL OR path[1] = '#' OR contains(path, chr(10)) OR contains(path, chr(13)) THEN NULL
  ELSE path || ',' || lower(hex(digest)) || ',' || size || chr(10) END AS line
FROM content
WHERE repository = $repository::UUID AND added_in <= $number AND (removed_in IS NULL OR removed_in > $number)
ORDER BY path
