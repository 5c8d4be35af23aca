-- Each needed number of a path: of a version, of a written file, or of a resource's version.
SELECT path, etag FROM (
  SELECT path, etag FROM content WHERE repository = $repository::UUID
  UNION SELECT path, etag FROM locations WHERE repository = $repository::UUID
  UNION SELECT name, version::VARCHAR FROM resources
  WHERE md5(tenant || chr(31) || address)::UUID = $repository::UUID
) WHERE etag IS NOT NULL
