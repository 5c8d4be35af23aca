-- Records the digests of source files that were read, and details that a quick listing lacked, as long as the
-- files are unchanged.
UPDATE content SET digest = coalesce(content.digest, o.digest), size = coalesce(content.size, o.origin_size),
  etag = coalesce(content.etag, o.origin_etag), modified_us = coalesce(content.modified_us, o.origin_modified_us)
FROM (
  SELECT md5($tenant || chr(31) || origin)::UUID AS nkey, digest, origin_size, origin_etag, origin_modified_us
  FROM outcomes WHERE plan_id = $plan_id AND status = 'stored' AND digest IS NOT NULL
    AND repository IN (SELECT repository FROM repositories WHERE tenant = $tenant)
) o
WHERE content.repository = $source::UUID AND content.removed_in IS NULL
  AND (content.digest IS NULL OR content.etag IS NULL)
  AND content.nkey = o.nkey AND (content.size IS NULL OR content.size = o.origin_size)
  AND (content.etag IS NULL OR content.etag IS NOT DISTINCT FROM o.origin_etag)
  AND (content.modified_us IS NULL OR content.modified_us IS NOT DISTINCT FROM o.origin_modified_us)
