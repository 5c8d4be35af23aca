-- The repositories that something was written to, listed in or adopted at, and how many files their
-- latest versions have; a repository that is only read from has listings alone.
SELECT a.address, arg_max(v.total, v.number)
FROM repositories a JOIN repository_versions v USING (repository)
WHERE a.tenant = $tenant AND (
  a.repository IN (SELECT repository FROM locations) OR a.repository IN (SELECT repository FROM origins)
  OR a.repository IN (SELECT repository FROM repository_versions WHERE plan_id IS NOT NULL)
)
GROUP BY a.address ORDER BY a.address
