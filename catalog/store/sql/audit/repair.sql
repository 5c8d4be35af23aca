-- Repairs what follows from other rows: counts, keys, artifacts, and duplicate locations (the newest stays).
UPDATE content SET nkey = md5($tenant || chr(31) || path)::UUID
WHERE nkey <> md5($tenant || chr(31) || path)::UUID
  AND repository IN (SELECT repository FROM repositories WHERE tenant = $tenant);
UPDATE locations SET nkey = md5($tenant || chr(31) || path)::UUID
WHERE nkey <> md5($tenant || chr(31) || path)::UUID
  AND repository IN (SELECT repository FROM repositories WHERE tenant = $tenant);
UPDATE origins SET nkey = md5($tenant || chr(31) || path)::UUID
WHERE nkey <> md5($tenant || chr(31) || path)::UUID
  AND repository IN (SELECT repository FROM repositories WHERE tenant = $tenant);
DELETE FROM locations WHERE rowid IN (
  SELECT rowid FROM locations
  WHERE repository IN (SELECT repository FROM repositories WHERE tenant = $tenant)
  QUALIFY row_number() OVER (PARTITION BY repository, nkey ORDER BY recorded_at DESC, rowid DESC) > 1
);
INSERT INTO artifacts
SELECT digest, max(size), $now::TIMESTAMP FROM locations ANTI JOIN artifacts USING (digest) GROUP BY digest;
UPDATE repository_versions v
SET added = c.added, replaced = c.replaced, removed = c.removed, total = c.total, bytes = c.bytes
FROM ({counted}) c
WHERE v.repository = c.repository AND v.number = c.number
  AND (v.added, v.replaced, v.removed, v.total, v.bytes)
    IS DISTINCT FROM (c.added, c.replaced, c.removed, c.total, c.bytes);
