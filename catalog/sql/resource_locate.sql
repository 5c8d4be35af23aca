DELETE FROM locations WHERE repository = $place::UUID AND nkey = $place_key::UUID;

INSERT INTO locations
SELECT $place::UUID, $place_key::UUID, $path, unhex($digest), $size, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  'write-proved', NULL, $now;

INSERT INTO artifacts
SELECT unhex($digest), $size, $now WHERE unhex($digest) NOT IN (SELECT digest FROM artifacts)
