-- What each plan was expected to cost; `forecast_errors` sets it beside what its runs took.
CREATE TABLE forecasts (
  plan_id VARCHAR NOT NULL, requests BIGINT NOT NULL, seconds DOUBLE, samples INTEGER NOT NULL
);

CREATE VIEW forecast_errors AS
SELECT r.run_id, f.plan_id, f.seconds AS forecast_s, epoch(r.ended_at - r.started_at) AS actual_s,
  epoch(r.ended_at - r.started_at) / nullif(f.seconds, 0) - 1 AS error
FROM forecasts f JOIN runs r USING (plan_id)
WHERE r.state = 'completed' AND r.kind <> 'plan' AND f.seconds IS NOT NULL;
