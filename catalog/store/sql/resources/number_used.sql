-- Whether a name ever had a version of this number.
SELECT count(*) FROM (
  SELECT 1 FROM resources WHERE nkey = $nkey::UUID AND tenant = $tenant AND version = $version
  UNION ALL
  SELECT 1 FROM resource_numbers WHERE nkey = $nkey::UUID AND tenant = $tenant AND highest >= $version
)
