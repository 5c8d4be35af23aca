-- What all flows did, as counts: what is counted, a label, the result, how many. A file is read once for all
-- destinations, hence the maximum over them; copies for a destination's history are never the maximum.
WITH planned AS (SELECT DISTINCT run_id FROM plans WHERE run_id IS NOT NULL),
work AS (
  SELECT r.kind, r.state, r.plan_id IS NOT NULL OR p.run_id IS NOT NULL AS planned
  FROM runs r LEFT JOIN planned p ON p.run_id = r.run_id
),
done AS (
  SELECT run_id, max(stored) AS stored, max(cleaned) AS cleaned FROM (
    SELECT run_id, count(*) FILTER (status = 'stored') AS stored, count(*) FILTER (cleaned) AS cleaned
    FROM outcomes GROUP BY run_id, repository
  ) GROUP BY run_id
),
failed AS (
  SELECT DISTINCT run_id, nkey FROM outcomes WHERE status = 'failed' AND action <> 'remove'
),
arrived AS (
  SELECT DISTINCT o.run_id, o.nkey FROM outcomes o JOIN failed USING (run_id, nkey)
  WHERE o.status IN ('stored', 'kept')
),
latest AS (
  SELECT repository, max(number) AS number FROM repository_versions GROUP BY repository
)
SELECT 'enqueue', '', 'success', count(*) FROM plans
UNION ALL SELECT 'enqueue', '', 'error', count(*) FROM work
  WHERE state = 'failed' AND NOT planned
    AND kind IN ('plan', 'sync', 'pull', 'restore', 'promote', 'modify', 'repair')
UNION ALL SELECT 'dequeue', '', CASE state WHEN 'completed' THEN 'success' ELSE 'error' END, count(*)
  FROM work WHERE state IN ('completed', 'failed') AND (planned OR state = 'completed' OR kind = 'apply')
    AND kind IN ('apply', 'sync', 'pull', 'restore', 'promote', 'modify', 'repair')
  GROUP BY state
UNION ALL SELECT 'client', 'download', 'success', coalesce(sum(stored), 0) FROM done
UNION ALL SELECT 'client', 'download', 'error',
  (SELECT count(*) FROM failed) - (SELECT count(*) FROM arrived)
UNION ALL SELECT 'client', 'cleanup', 'success', coalesce(sum(cleaned), 0) FROM done
UNION ALL SELECT 'storage', 'stat', 'success',
  coalesce(sum(matched * json_array_length(request::JSON -> 'targets')), 0) FROM plans
UNION ALL SELECT 'storage', 'store', 'success', count(*) FROM outcomes WHERE status = 'stored'
UNION ALL SELECT 'storage', 'store', 'error', count(*) FROM outcomes
  WHERE status = 'failed' AND action <> 'remove'
UNION ALL SELECT 'queue', 'publish', 'success', count(*) FROM plan_batches
UNION ALL SELECT 'queue', 'pop', 'success', count(*) FROM ingested WHERE kind = 'outcomes'
UNION ALL SELECT 'skipped', '', '', count(*) FROM runs WHERE kind = 'workflow-skipped'
UNION ALL SELECT 'bytes', a.tenant, '', sum(v.bytes) FROM latest l
  JOIN repository_versions v USING (repository, number) JOIN repositories a USING (repository)
  GROUP BY a.tenant
UNION ALL SELECT 'files', a.tenant, '', sum(v.total) FROM latest l
  JOIN repository_versions v USING (repository, number) JOIN repositories a USING (repository)
  GROUP BY a.tenant
