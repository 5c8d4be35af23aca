-- Each number of a path that is needed: by a version, by what was written, or as a resource's version.
SELECT path, etag FROM (
  SELECT path, etag FROM content WHERE repository = $repository::UUID
  UNION SELECT path, etag FROM locations WHERE repository = $repository::UUID
  UNION SELECT name, version::VARCHAR FROM resources
  WHERE md5(tenant || chr(31) || address)::UUID = $repository::UUID
) WHERE etag IS NOT NULL
