WITH last AS (
  SELECT plan_id, repository, nkey, destination, action, status, size FROM outcomes
  WHERE rowid IN (
    SELECT arg_max(rowid, (batch, position)) FROM outcomes
    WHERE run_id = $run_id
      AND repository IN (SELECT repository FROM repositories WHERE tenant = $tenant)
      AND NOT regexp_matches(destination, '/\.entrepot/(history|numbers)$') -- not delivered
    GROUP BY repository, nkey
  )
), said AS (
  SELECT destination, count(*) FILTER (status = 'stored' AND action <> 'replace') AS added,
    count(*) FILTER (status = 'stored' AND action = 'replace') AS replaced,
    count(*) FILTER (status = 'removed') AS removed, count(*) FILTER (status = 'kept') AS kept,
    count(*) FILTER (status = 'failed') AS failed,
    coalesce(sum(size) FILTER (status = 'stored'), 0) AS bytes,
    count(*) FILTER (status = 'catalogued') AS catalogued,
    count(*) FILTER (status = 'dropped') AS dropped
  FROM last GROUP BY destination
), planned AS (
  SELECT t.tally ->> 'address' AS destination, (t.tally ->> 'keep')::BIGINT AS kept
  FROM (
    SELECT unnest(tallies::JSON[]) AS tally FROM plans WHERE tenant = $tenant AND plan_id IN (
      SELECT plan_id FROM runs WHERE run_id = $run_id AND tenant = $tenant
      UNION SELECT plan_id FROM last
      UNION SELECT plan_id FROM plans WHERE run_id = $run_id)
  ) t
)
SELECT coalesce(s.destination, p.destination) AS address, coalesce(s.added, 0), coalesce(s.replaced, 0),
  coalesce(s.removed, 0), coalesce(s.kept, 0) + coalesce(p.kept, 0), coalesce(s.failed, 0), coalesce(s.bytes, 0),
  coalesce(s.catalogued, 0), coalesce(s.dropped, 0)
FROM said s FULL JOIN planned p USING (destination) ORDER BY 1
