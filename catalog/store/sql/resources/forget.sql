-- Discarded bytes that were removed from their storage; their paths come as JSON, see `add.sql`.
DELETE FROM discarded WHERE tenant = $tenant AND address = $address
  AND path IN (SELECT unnest(from_json($paths::JSON, '["VARCHAR"]')))
