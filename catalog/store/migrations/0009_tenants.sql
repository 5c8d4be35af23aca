-- Whose runs, plans and failure cases these are. What older programs recorded is theirs who alone know its
-- source, else theirs who alone have a version that it made, else of 'default'.
ALTER TABLE runs ADD COLUMN tenant VARCHAR;
ALTER TABLE plans ADD COLUMN tenant VARCHAR;
ALTER TABLE contract_failures ADD COLUMN tenant VARCHAR;

UPDATE plans SET tenant = a.tenant
FROM (SELECT address, min(tenant) AS tenant FROM repositories GROUP BY address HAVING count(DISTINCT tenant) = 1) a
WHERE a.address = plans.source;

UPDATE plans SET tenant = v.tenant
FROM (
  SELECT v.plan_id, min(a.tenant) AS tenant FROM repository_versions v JOIN repositories a USING (repository)
  WHERE v.plan_id IS NOT NULL GROUP BY v.plan_id HAVING count(DISTINCT a.tenant) = 1
) v
WHERE v.plan_id = plans.plan_id AND plans.tenant IS NULL;

UPDATE runs SET tenant = a.tenant
FROM (SELECT address, min(tenant) AS tenant FROM repositories GROUP BY address HAVING count(DISTINCT tenant) = 1) a
WHERE a.address = runs.source;

UPDATE runs SET tenant = v.tenant
FROM (
  SELECT v.run_id, min(a.tenant) AS tenant FROM repository_versions v JOIN repositories a USING (repository)
  WHERE v.run_id IS NOT NULL GROUP BY v.run_id HAVING count(DISTINCT a.tenant) = 1
) v
WHERE v.run_id = runs.run_id AND runs.tenant IS NULL;

UPDATE contract_failures SET tenant = r.tenant FROM runs r WHERE r.run_id = contract_failures.run_id;

UPDATE plans SET tenant = 'default' WHERE tenant IS NULL;
UPDATE runs SET tenant = 'default' WHERE tenant IS NULL;
UPDATE contract_failures SET tenant = 'default' WHERE tenant IS NULL;
