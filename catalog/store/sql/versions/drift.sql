-- How a listing differs from a version: sizes first, then the fingerprints of what we wrote (etags if they
-- follow the content, else times).
SELECT path, fault, expected, found FROM (
  SELECT coalesce(c.path, l.path) AS path,
    CASE
      WHEN c.nkey IS NULL THEN 'foreign'
      WHEN o.nkey IS NOT NULL AND h.nkey IS NULL THEN 'not stored'
      WHEN l.nkey IS NULL AND c.nkey IN ({unseen}) THEN 'unseen'
      WHEN l.nkey IS NULL THEN 'missing'
      WHEN c.size <> l.size THEN 'size'
      WHEN $match_etags AND h.etag <> l.etag THEN 'changed'
      WHEN NOT ($match_etags AND h.etag IS NOT NULL AND l.etag IS NOT NULL) AND h.modified_us <> l.modified_us
        THEN 'changed'
    END AS fault,
    CASE WHEN o.nkey IS NOT NULL AND h.nkey IS NULL THEN NULL
      WHEN c.size <> l.size THEN c.size || ' bytes'
      WHEN $match_etags AND h.etag <> l.etag THEN 'etag ' || h.etag
      WHEN l.nkey IS NOT NULL AND c.nkey IS NOT NULL THEN 'modified_us ' || h.modified_us END AS expected,
    CASE WHEN o.nkey IS NOT NULL AND h.nkey IS NULL THEN NULL
      WHEN c.size <> l.size THEN l.size || ' bytes'
      WHEN $match_etags AND h.etag <> l.etag THEN 'etag ' || l.etag
      WHEN l.nkey IS NOT NULL AND c.nkey IS NOT NULL THEN 'modified_us ' || l.modified_us END AS found
  FROM (
    SELECT nkey, path, size, digest FROM content
    WHERE repository = $repository::UUID AND added_in <= $number AND (removed_in IS NULL OR removed_in > $number)
  ) c
  FULL JOIN (
    SELECT md5($tenant || chr(31) || path)::UUID AS nkey, path, size, etag, modified_us FROM read_parquet($files)
  ) l ON c.nkey = l.nkey
  LEFT JOIN (SELECT nkey, digest, etag, modified_us FROM locations WHERE repository = $repository::UUID) h
    ON h.nkey = c.nkey AND h.digest = c.digest
  -- What is only catalogued lies elsewhere; what stands there may be its older bytes.
  LEFT JOIN (SELECT nkey FROM origins WHERE repository = $repository::UUID) o ON o.nkey = c.nkey
) WHERE fault IS NOT NULL ORDER BY path
