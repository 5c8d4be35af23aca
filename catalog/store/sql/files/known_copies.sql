-- Known copies of the bytes of a batch, among the addresses that may be read: the plan's own targets first, at
-- most three each. With $origins also where such bytes once came from, and what the $listed repositories
-- declared in their latest listing.
SELECT position, address, path, lower(hex(digest)), etag FROM (
  SELECT i.position, i.digest, a.address, l.path, l.etag, list_contains($targets, a.address) AS own
  FROM (
    SELECT position, nkey, digest FROM plan_items
    WHERE plan_id = $plan_id AND batch = $batch AND digest IS NOT NULL AND origin IS NOT NULL
  ) i
  JOIN (
    SELECT digest, repository, path, etag FROM locations
    UNION
    SELECT digest, origin, origin_path, origin_etag FROM locations
    WHERE $origins AND origin_path <> ''
    UNION
    SELECT digest, origin, origin_path, etag FROM origins WHERE $origins AND digest IS NOT NULL AND origin IS NOT NULL
    UNION
    SELECT c.digest, c.repository, c.path, c.etag FROM content c
    WHERE c.removed_in IS NULL AND c.digest IS NOT NULL
      AND c.repository IN (SELECT repository FROM repositories
        WHERE tenant = $tenant AND list_contains($listed::VARCHAR[], address))
      AND (c.repository, c.nkey) NOT IN (SELECT repository, nkey FROM locations)
      AND (c.repository, c.nkey) NOT IN (SELECT repository, nkey FROM origins)
  ) l USING (digest)
  JOIN repositories a USING (repository)
  WHERE a.tenant = $tenant AND a.address IN (SELECT unnest($places::VARCHAR[])) AND NOT EXISTS (
    SELECT 1 FROM plan_rows r WHERE r.plan_id = $plan_id AND r.batch = $batch AND r.nkey = i.nkey
      AND r.path = l.path AND $targets[r.target + 1] = a.address
  )
)
QUALIFY row_number() OVER (PARTITION BY position ORDER BY own DESC, address, path) <= 3
ORDER BY position, own DESC, address, path
