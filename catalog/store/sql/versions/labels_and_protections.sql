-- Labels with their keys, and protections without one.
SELECT number, key, value FROM (
  SELECT number, key, value, NULL::TIMESTAMP AS protected_at FROM version_labels
  WHERE repository = $repository::UUID
  UNION ALL
  SELECT number, NULL, reason, protected_at FROM protections WHERE repository = $repository::UUID
) ORDER BY number, key, protected_at, value
