DELETE FROM resources WHERE tenant = $tenant AND nkey = $nkey::UUID AND version = $version;

INSERT INTO resource_numbers
SELECT $tenant, $nkey::UUID, $version
WHERE NOT EXISTS (SELECT 1 FROM resource_numbers WHERE tenant = $tenant AND nkey = $nkey::UUID);

UPDATE resource_numbers SET highest = greatest(highest, $version)
WHERE tenant = $tenant AND nkey = $nkey::UUID
