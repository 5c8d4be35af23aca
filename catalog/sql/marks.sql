SELECT path, etag FROM (
  SELECT path, etag FROM content WHERE repository = $repository::UUID
  UNION SELECT path, etag FROM locations WHERE repository = $repository::UUID
) WHERE etag IS NOT NULL
