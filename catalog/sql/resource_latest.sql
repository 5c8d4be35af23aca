UPDATE resources SET latest = (version = (
  SELECT max(version) FROM resources r WHERE r.nkey = $nkey::UUID AND r.tenant = $tenant
))
WHERE nkey = $nkey::UUID AND tenant = $tenant
