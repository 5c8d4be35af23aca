-- A plan that keeps very many files tells their usual reason once, and has rows for the others only.
CREATE TABLE plan_kept (
  plan_id VARCHAR NOT NULL, target INTEGER NOT NULL, reason VARCHAR NOT NULL, count BIGINT NOT NULL
);
