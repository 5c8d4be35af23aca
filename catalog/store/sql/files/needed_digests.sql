SELECT lower(hex(digest)) AS digest FROM (
  SELECT digest FROM content WHERE repository = $repository::UUID
  UNION SELECT digest FROM locations WHERE repository = $repository::UUID
) WHERE digest IS NOT NULL
