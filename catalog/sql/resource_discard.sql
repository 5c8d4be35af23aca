INSERT INTO discarded
SELECT $tenant, $address, $path, $now
WHERE NOT EXISTS (
  SELECT 1 FROM resources WHERE tenant = $tenant AND address = $address AND path = $path
);

DELETE FROM locations WHERE repository = $place::UUID AND path = $path
  AND nkey = md5($tenant || chr(31) || $path)::UUID
