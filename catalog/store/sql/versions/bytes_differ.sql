-- Whether two content rows of one path, o and n, have different bytes: by digest if both are known; what one of
-- the two does not have is no difference.
CASE
WHEN n.digest IS NOT NULL AND o.digest IS NOT NULL THEN n.digest <> o.digest
WHEN n.size <> o.size THEN true
WHEN n.etag IS NOT NULL AND o.etag IS NOT NULL THEN n.etag <> o.etag
WHEN n.modified_us IS NOT NULL AND o.modified_us IS NOT NULL THEN n.modified_us <> o.modified_us
ELSE false END
