-- What a repository is recorded to hold at a path itself.
SELECT etag, size, modified_us, lower(hex(digest)) FROM locations
WHERE nkey = $nkey::UUID AND repository = $repository::UUID
