-- Deletes the rows in the table `removing`, and records the highest number of each name.
DELETE FROM resources USING removing
WHERE resources.tenant = $tenant AND resources.nkey = removing.nkey AND resources.version = removing.version;

INSERT INTO resource_numbers
SELECT DISTINCT $tenant, nkey, -1 FROM removing
WHERE NOT EXISTS (
  SELECT 1 FROM resource_numbers n WHERE n.tenant = $tenant AND n.nkey = removing.nkey
);

UPDATE resource_numbers SET highest = greatest(resource_numbers.highest, gone.highest)
FROM (SELECT nkey, max(version) AS highest FROM removing GROUP BY nkey) gone
WHERE resource_numbers.tenant = $tenant AND resource_numbers.nkey = gone.nkey
