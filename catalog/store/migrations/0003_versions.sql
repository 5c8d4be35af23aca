-- Numbers of versions are never used again: `highest` is the highest of those deleted. `retain` says
-- how many of the newest unprotected versions stay; NULL keeps all.
CREATE TABLE histories (repository UUID NOT NULL, highest BIGINT NOT NULL, retain BIGINT);

-- A version stays while at least one reason is here.
CREATE TABLE protections (
  repository UUID NOT NULL, number BIGINT NOT NULL, reason VARCHAR NOT NULL, protected_at TIMESTAMP NOT NULL
);

CREATE TABLE version_labels (
  repository UUID NOT NULL, number BIGINT NOT NULL, key VARCHAR NOT NULL, value VARCHAR NOT NULL
);

-- For people: docs/sql.md tells of everything below.

CREATE VIEW versions AS
SELECT a.tenant, a.address, v.number, v.base, v.created_at, v.run_id, v.plan_id, v.added, v.replaced, v.removed,
  v.total, v.bytes
FROM repository_versions v JOIN repositories a USING (repository);

CREATE VIEW version_content AS
SELECT a.tenant, a.address, v.number, c.path, c.size, lower(hex(c.digest)) AS digest, c.etag,
  make_timestamp(c.modified_us) AS modified_at, c.content_type, c.properties, c.added_in,
  p.created_at AS added_at, p.run_id
FROM repository_versions v
JOIN repositories a USING (repository)
JOIN content c ON c.repository = v.repository AND c.added_in <= v.number
  AND (c.removed_in IS NULL OR c.removed_in > v.number)
JOIN repository_versions p ON p.repository = c.repository AND p.number = c.added_in;

-- The version of each repository is chosen first: every row of content then meets one version, not all.
CREATE MACRO resources_at(moment) AS TABLE
WITH asked AS (
  SELECT a.tenant, a.address, a.repository, max(v.number) AS number
  FROM repository_versions v JOIN repositories a USING (repository)
  WHERE v.created_at <= moment::TIMESTAMP GROUP BY a.tenant, a.address, a.repository
)
SELECT s.tenant, s.address, s.number, c.path, c.size, lower(hex(c.digest)) AS digest, c.etag,
  make_timestamp(c.modified_us) AS modified_at, c.content_type, c.properties, c.added_in,
  p.created_at AS added_at, p.run_id
FROM asked s
JOIN content c ON c.repository = s.repository AND c.added_in <= s.number
  AND (c.removed_in IS NULL OR c.removed_in > s.number)
JOIN repository_versions p ON p.repository = c.repository AND p.number = c.added_in;

CREATE MACRO content_at(repository_address, moment) AS TABLE
SELECT * FROM resources_at(moment) WHERE address = repository_address;

CREATE MACRO content_of(repository_address, version_number) AS TABLE
SELECT * FROM version_content WHERE address = repository_address AND number = version_number;

-- Only rows that are valid in one of the two versions are compared, and by catalog/store/sql/differ.sql.
CREATE MACRO version_diff(repository_address, old_number, new_number) AS TABLE
WITH asked AS (
  SELECT a.repository, a.tenant FROM repositories a
  JOIN repository_versions x ON x.repository = a.repository AND x.number = old_number
  JOIN repository_versions y ON y.repository = a.repository AND y.number = new_number
  WHERE a.address = repository_address
), o AS (
  SELECT s.tenant, c.* FROM content c JOIN asked s USING (repository)
  WHERE c.added_in <= old_number AND (c.removed_in IS NULL OR c.removed_in > old_number)
    AND (c.added_in > new_number OR c.removed_in <= new_number)
), n AS (
  SELECT s.tenant, c.* FROM content c JOIN asked s USING (repository)
  WHERE c.added_in <= new_number AND (c.removed_in IS NULL OR c.removed_in > new_number)
    AND (c.added_in > old_number OR c.removed_in <= old_number)
)
SELECT coalesce(n.tenant, o.tenant) AS tenant, coalesce(n.path, o.path) AS path,
  CASE WHEN o.nkey IS NULL THEN 'added' WHEN n.nkey IS NULL THEN 'removed' ELSE 'replaced' END AS change,
  o.size AS old_size, n.size AS new_size, lower(hex(o.digest)) AS old_digest, lower(hex(n.digest)) AS new_digest,
  p.created_at AS added_at, p.run_id
FROM o FULL JOIN n ON n.repository = o.repository AND n.nkey = o.nkey
LEFT JOIN repository_versions p ON p.repository = n.repository AND p.number = n.added_in
WHERE o.nkey IS NULL OR n.nkey IS NULL OR CASE
  WHEN n.digest IS NOT NULL AND o.digest IS NOT NULL THEN n.digest <> o.digest
  WHEN n.size <> o.size THEN true
  WHEN n.etag IS NOT NULL AND o.etag IS NOT NULL THEN n.etag <> o.etag
  WHEN n.modified_us IS NOT NULL AND o.modified_us IS NOT NULL THEN n.modified_us <> o.modified_us
  ELSE false END;
