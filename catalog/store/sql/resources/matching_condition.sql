-- The rows of such a page that satisfy {condition}. It is evaluated on no others: it may fail on a row.
SELECT name, version, created_at, size, sha256, content_type, storage_type, url, encoding, compression, data, address,
  lies_at, digests, properties
FROM page
WHERE CASE WHEN rowid >= $first AND rowid < $behind THEN {condition} ELSE false END
ORDER BY rowid
