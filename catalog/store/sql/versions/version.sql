-- One version; the latest if no number is given.
SELECT number, base, created_at, run_id, added, replaced, removed, total, bytes
FROM repository_versions
WHERE repository = $repository::UUID AND number = coalesce(
  $number, (SELECT max(number) FROM repository_versions WHERE repository = $repository::UUID)
)
