-- The repositories that were written to, listed as a destination or adopted, with the number of files of their
-- latest version; a repository that is only read from has listings alone.
SELECT a.address, arg_max(v.total, v.number)
FROM repositories a JOIN repository_versions v USING (repository)
WHERE a.tenant = $tenant AND (
  a.repository IN (SELECT repository FROM locations) OR a.repository IN (SELECT repository FROM origins)
  OR a.repository IN (SELECT repository FROM repository_versions WHERE plan_id IS NOT NULL)
)
GROUP BY a.address ORDER BY a.address
