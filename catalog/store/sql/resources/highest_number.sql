-- The highest number that a version of a name ever had; -1 for none.
SELECT coalesce(max(number), -1) FROM (
  SELECT version AS number FROM resources WHERE nkey = $nkey::UUID AND tenant = $tenant
  UNION ALL SELECT highest FROM resource_numbers WHERE nkey = $nkey::UUID AND tenant = $tenant
)
