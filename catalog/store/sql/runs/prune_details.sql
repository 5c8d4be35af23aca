-- Rows of a tenant's plans and runs that ended by then. Plans and runs that created a version stay, as its
-- provenance; their file-by-file details are deleted.
CREATE OR REPLACE TEMP TABLE makers AS
SELECT run_id, plan_id FROM repository_versions
WHERE repository IN (SELECT repository FROM repositories WHERE tenant = $tenant);

CREATE OR REPLACE TEMP TABLE old_runs AS
SELECT run_id FROM runs
WHERE tenant = $tenant AND coalesce(ended_at, started_at) < $before::TIMESTAMP;

CREATE OR REPLACE TEMP TABLE old_plans AS
SELECT plan_id FROM plans WHERE tenant = $tenant AND created_at < $before::TIMESTAMP
  AND (run_id IS NULL OR run_id IN (SELECT run_id FROM old_runs)
    OR run_id NOT IN (SELECT run_id FROM runs WHERE tenant = $tenant));

CREATE OR REPLACE TEMP TABLE forgotten AS
SELECT (SELECT count(*) FROM plan_rows WHERE plan_id IN (SELECT plan_id FROM old_plans)) AS plan_rows,
  (SELECT count(*) FROM outcomes WHERE run_id IN (SELECT run_id FROM old_runs)
    AND repository IN (SELECT repository FROM repositories WHERE tenant = $tenant)) AS outcomes;

DELETE FROM plan_rows WHERE NOT $dry AND plan_id IN (SELECT plan_id FROM old_plans);
DELETE FROM forecasts WHERE NOT $dry AND plan_id IN (SELECT plan_id FROM old_plans)
  AND plan_id NOT IN (SELECT plan_id FROM makers WHERE plan_id IS NOT NULL);
DELETE FROM plan_kept WHERE NOT $dry AND plan_id IN (SELECT plan_id FROM old_plans);
DELETE FROM plan_items WHERE NOT $dry AND plan_id IN (SELECT plan_id FROM old_plans);
DELETE FROM plan_batches WHERE NOT $dry AND plan_id IN (SELECT plan_id FROM old_plans);
DELETE FROM contract_failures WHERE NOT $dry AND tenant = $tenant
  AND run_id IN (SELECT run_id FROM old_runs);
DELETE FROM gaps WHERE NOT $dry AND tenant = $tenant AND run_id IN (SELECT run_id FROM old_runs);
DELETE FROM outcomes WHERE NOT $dry AND run_id IN (SELECT run_id FROM old_runs)
  AND repository IN (SELECT repository FROM repositories WHERE tenant = $tenant);
DELETE FROM plans WHERE NOT $dry AND plan_id IN (SELECT plan_id FROM old_plans)
  AND plan_id NOT IN (SELECT plan_id FROM makers WHERE plan_id IS NOT NULL);
DELETE FROM runs WHERE NOT $dry AND tenant = $tenant AND run_id IN (SELECT run_id FROM old_runs)
  AND run_id NOT IN (SELECT run_id FROM makers WHERE run_id IS NOT NULL)
