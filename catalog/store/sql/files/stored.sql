-- What a repository itself is recorded to have at a path.
SELECT etag, size, modified_us, lower(hex(digest)) FROM locations
WHERE nkey = $nkey::UUID AND repository = $repository::UUID
