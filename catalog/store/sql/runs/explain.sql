-- The row of a run's plan for one path at each target, and the run's latest outcome of it.
WITH run_plan AS (
  SELECT p.plan_id, p.request::JSON AS request FROM plans p
  WHERE p.tenant = $tenant AND p.plan_id = (
    SELECT coalesce(
      (SELECT plan_id FROM runs WHERE run_id = $run_id AND tenant = $tenant),
      (SELECT max(plan_id) FROM outcomes WHERE run_id = $run_id
        AND repository IN (SELECT repository FROM repositories WHERE tenant = $tenant)),
      (SELECT max(plan_id) FROM plans WHERE run_id = $run_id AND tenant = $tenant)))
), target AS (
  SELECT plan_id, unnest(range(json_array_length(request, '$.targets')::BIGINT)) AS number, request FROM run_plan
), said AS (
  SELECT destination, status, size, proof, attempts, message FROM outcomes
  WHERE run_id = $run_id AND nkey = $nkey::UUID
  QUALIFY row_number() OVER (PARTITION BY destination ORDER BY batch DESC, position DESC) = 1
)
SELECT t.address, r.action, r.reason, s.status, s.size, s.proof, s.attempts, s.message, (
    SELECT reason FROM plan_kept k WHERE k.plan_id = t.plan_id AND k.target = t.number AND EXISTS (
      SELECT 1 FROM content WHERE repository = md5($tenant || chr(31) || t.address)::UUID
        AND nkey = $nkey::UUID AND removed_in IS NULL)
  ) AS usual
FROM (SELECT plan_id, number, (request -> 'targets' -> number) ->> 'address' AS address FROM target) t
LEFT JOIN (SELECT * FROM plan_rows WHERE nkey = $nkey::UUID) r ON r.plan_id = t.plan_id AND r.target = t.number
LEFT JOIN said s ON s.destination = t.address
ORDER BY t.number
