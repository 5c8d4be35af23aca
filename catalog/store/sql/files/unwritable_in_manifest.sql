-- The first path of a version that cannot be written in a manifest.
SELECT min(path) FROM content
WHERE repository = $repository::UUID AND added_in <= $number AND (removed_in IS NULL OR removed_in > $number)
  AND (digest IS NULL OR size IS NULL OR path[1] = '#' OR contains(path, chr(10)) OR contains(path, chr(13)))
