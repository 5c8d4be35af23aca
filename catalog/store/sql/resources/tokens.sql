-- All tokens, or those of one tenant, or one of them, the oldest first, each with its grants.
SELECT sha256, token_id, tenant, note, created_at, expires_at, revoked_at,
  coalesce(given.grants, []) AS grants
FROM tokens
LEFT JOIN (
  SELECT token_id, list([role, reach, name] ORDER BY reach DESC, name, role) AS grants FROM grants GROUP BY token_id
) given USING (token_id)
WHERE ($owner IS NULL OR tenant = $owner) AND ($token_id IS NULL OR token_id = $token_id)
ORDER BY created_at, token_id
