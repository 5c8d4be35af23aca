UPDATE content SET removed_in = $number
WHERE repository = $repository::UUID AND removed_in IS NULL
  AND nkey IN (SELECT nkey FROM changes WHERE kind <> 'added');

INSERT INTO content
SELECT $repository::UUID, nkey, path, size, etag, modified_us, digest, content_type, properties, $number, NULL
FROM changes WHERE kind <> 'removed' ORDER BY nkey;

INSERT INTO repository_versions
SELECT $repository::UUID, $number, $base, $now, $run_id, $plan_id,
  count(*) FILTER (kind = 'added'), count(*) FILTER (kind = 'replaced'), count(*) FILTER (kind = 'removed'),
  (SELECT count(*) FROM content WHERE repository = $repository::UUID AND removed_in IS NULL),
  (SELECT coalesce(sum(size), 0) FROM content WHERE repository = $repository::UUID AND removed_in IS NULL)
FROM changes
