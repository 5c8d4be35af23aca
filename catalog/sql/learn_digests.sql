-- What was read of the source tells the digest of its files, as long as they are still the same.
UPDATE content SET digest = o.digest
FROM (
  SELECT md5($tenant || chr(31) || origin)::UUID AS nkey, digest, origin_size, origin_etag, origin_modified_us
  FROM outcomes WHERE plan_id = $plan_id AND status = 'stored' AND digest IS NOT NULL
) o
WHERE content.repository = $source::UUID AND content.removed_in IS NULL AND content.digest IS NULL
  AND content.nkey = o.nkey AND content.size = o.origin_size
  AND content.etag IS NOT DISTINCT FROM o.origin_etag
  AND content.modified_us IS NOT DISTINCT FROM o.origin_modified_us
