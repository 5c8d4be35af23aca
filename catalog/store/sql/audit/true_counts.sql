-- The true counts of each version of $tenant's repositories. A version is compared with the one before it; its
-- totals are sums of all changes up to it. A rewritten file has a new etag or time: it counts as replaced if its
-- bytes are known to differ.
SELECT v.repository, v.number, coalesce(d.added, 0) AS added, coalesce(d.replaced, 0) AS replaced,
  coalesce(d.removed, 0) AS removed, coalesce(d.renewed, 0) AS renewed, t.total, t.bytes
FROM repository_versions v
JOIN (SELECT repository FROM repositories WHERE tenant = $tenant) USING (repository)
JOIN (
  SELECT repository, number, (coalesce(sum(files) OVER w, 0))::BIGINT AS total,
    (coalesce(sum(size) OVER w, 0))::BIGINT AS bytes
  FROM repository_versions LEFT JOIN (
    SELECT repository, number, sum(files) AS files, sum(size) AS size FROM (
      SELECT repository, added_in AS number, 1 AS files, coalesce(size, 0) AS size FROM content
      UNION ALL
      SELECT repository, removed_in, -1, -coalesce(size, 0) FROM content WHERE removed_in IS NOT NULL
    ) GROUP BY repository, number
  ) USING (repository, number)
  WINDOW w AS (PARTITION BY repository ORDER BY number)
) t USING (repository, number)
LEFT JOIN (
  SELECT coalesce(n.repository, o.repository) AS repository, coalesce(n.added_in, o.removed_in) AS number,
    count(*) FILTER (o.nkey IS NULL) AS added, count(*) FILTER (n.nkey IS NULL) AS removed,
    count(*) FILTER (n.nkey IS NOT NULL AND o.nkey IS NOT NULL) AS renewed,
    count(*) FILTER (n.nkey IS NOT NULL AND o.nkey IS NOT NULL AND ({differ})) AS replaced
  FROM content n FULL JOIN (SELECT * FROM content WHERE removed_in IS NOT NULL) o
    ON o.repository = n.repository AND o.nkey = n.nkey AND o.removed_in = n.added_in
  GROUP BY 1, 2
) d USING (repository, number)
