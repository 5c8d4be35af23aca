INSERT INTO repositories
SELECT $repository::UUID, $tenant, $address, NULL, $now, NULL
WHERE NOT EXISTS (SELECT 1 FROM repositories WHERE repository = $repository::UUID);

INSERT INTO repository_versions
SELECT $repository::UUID, 0, NULL, $now, NULL, NULL, 0, 0, 0, 0, 0
WHERE NOT EXISTS (SELECT 1 FROM repository_versions WHERE repository = $repository::UUID);

UPDATE repositories SET label = $label WHERE repository = $repository::UUID AND $label IS NOT NULL
