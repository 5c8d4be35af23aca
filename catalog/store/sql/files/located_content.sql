-- A version with the locations of each resource's bytes, at most five: in the repository itself first, then
-- elsewhere, then their origins. With $old only what differs from that version.
SELECT c.path, c.size, c.etag, c.modified_us, lower(hex(c.digest)) AS digest, c.content_type, c.properties,
  coalesce(p.places, []) AS places
FROM content c LEFT JOIN ({places}) p USING (digest)
WHERE c.repository = $repository::UUID AND c.added_in <= $new AND (c.removed_in IS NULL OR c.removed_in > $new)
  AND ($old IS NULL OR c.path IN (SELECT path FROM ({changed}) WHERE change <> 'removed'))
ORDER BY c.path
