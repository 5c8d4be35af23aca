-- Deletes the versions $gone: changes in one of them move to the next remaining version.
CREATE OR REPLACE TEMP TABLE leaving_versions AS
SELECT g.number, max(v.number) FILTER (v.number < g.number) AS before, min(v.number) FILTER (v.number > g.number) AS after
FROM (SELECT unnest($gone::BIGINT[]) AS number) g LEFT JOIN (
  SELECT number FROM repository_versions
  WHERE repository = $repository::UUID AND NOT list_contains($gone::BIGINT[], number)
) v ON true
GROUP BY g.number;

DELETE FROM content WHERE repository = $repository::UUID
  AND added_in IN (SELECT number FROM leaving_versions WHERE after IS NULL);

UPDATE content SET added_in = g.after FROM leaving_versions g
WHERE content.repository = $repository::UUID AND content.added_in = g.number;

UPDATE content SET removed_in = g.after FROM leaving_versions g
WHERE content.repository = $repository::UUID AND content.removed_in = g.number;

DELETE FROM content WHERE repository = $repository::UUID AND removed_in <= added_in;

UPDATE repository_versions SET base = g.before FROM leaving_versions g
WHERE repository_versions.repository = $repository::UUID AND repository_versions.base = g.number;

INSERT INTO histories SELECT $repository::UUID, 0, NULL
WHERE NOT EXISTS (SELECT 1 FROM histories WHERE repository = $repository::UUID);

UPDATE histories SET highest = greatest(highest, (SELECT max(number) FROM leaving_versions))
WHERE repository = $repository::UUID;

DELETE FROM version_labels WHERE repository = $repository::UUID
  AND number IN (SELECT number FROM leaving_versions);

DELETE FROM repository_versions WHERE repository = $repository::UUID
  AND number IN (SELECT number FROM leaving_versions)
