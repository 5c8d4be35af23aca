INSERT INTO resources
SELECT $tenant, $nkey::UUID, $name, $version, false, make_timestamp($created_us), $size, unhex($digest), $digests,
  $content_type, $storage_type, $url, $encoding, $compression, $data, $address, $path, $properties
