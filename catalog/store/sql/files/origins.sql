-- Resources that a repository lists but does not store, in its latest version, and where their bytes are.
SELECT n.path, n.policy, lower(hex(n.digest)), n.size, o.address, n.origin_path, n.etag, n.modified_us,
  coalesce(c.content_type, n.content_type), coalesce(c.properties, n.properties)
FROM (SELECT * FROM origins WHERE repository = $repository::UUID AND ($nkey IS NULL OR nkey = $nkey::UUID)) n
JOIN (
  SELECT nkey, content_type, properties FROM content WHERE repository = $repository::UUID AND removed_in IS NULL
) c USING (nkey)
LEFT JOIN repositories o ON o.repository = n.origin
ORDER BY n.path
