-- Every token, or one tenant's, or one of them; the oldest first.
SELECT sha256, token_id, tenant, role, note, created_at, expires_at, revoked_at FROM tokens
WHERE ($owner IS NULL OR tenant = $owner) AND ($token_id IS NULL OR token_id = $token_id)
ORDER BY created_at, token_id
