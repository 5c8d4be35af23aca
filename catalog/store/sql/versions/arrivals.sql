-- A file arrived when its version was created or when its storage says that it was written, whichever is
-- later; a time in the future is ignored.
WITH matching AS (
  SELECT c.size, greatest(v.created_at, CASE WHEN make_timestamp(c.modified_us) <= $now::TIMESTAMP
    THEN make_timestamp(c.modified_us) END) AS came
  FROM content c JOIN repository_versions v ON v.repository = c.repository AND v.number = c.added_in
  WHERE c.repository = $repository::UUID AND c.removed_in IS NULL AND regexp_full_match(c.path, $pattern)
)
SELECT count(*) FILTER (counts), coalesce(sum(size) FILTER (counts), 0), max(came) FROM (
  SELECT size, came, $within_s::DOUBLE IS NULL OR came >= $now::TIMESTAMP - to_seconds($within_s::DOUBLE) AS counts
  FROM matching)
