-- The versions that a repository's retention does not keep; protected ones stay and do not count.
SELECT number FROM (
  SELECT v.number, row_number() OVER (ORDER BY v.number DESC) AS age
  FROM repository_versions v
  WHERE v.repository = $repository::UUID AND v.number NOT IN (
    SELECT number FROM protections WHERE repository = $repository::UUID
  )
) WHERE age > (SELECT retain FROM histories WHERE repository = $repository::UUID)
