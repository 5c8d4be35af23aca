-- Bytes of the table `removing` that no version has any more: they are recorded for removal from their storage, and
-- their locations are deleted.
CREATE OR REPLACE TEMP TABLE discarding AS
WITH places AS MATERIALIZED (
  SELECT unnest(from_json($places::JSON, '[{"address": "VARCHAR", "place": "UUID"}]'), recursive := true)
)
SELECT DISTINCT removing.address, removing.path, places.place
FROM removing JOIN places USING (address)
WHERE removing.path IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM resources r WHERE r.tenant = $tenant AND r.address = removing.address AND r.path = removing.path
);

INSERT INTO discarded SELECT $tenant, address, path, $now FROM discarding;

DELETE FROM locations USING discarding
WHERE locations.repository = discarding.place
  AND locations.nkey = md5($tenant || chr(31) || discarding.path)::UUID AND locations.path = discarding.path;

DROP TABLE discarding
