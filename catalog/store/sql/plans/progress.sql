-- The latest outcome of each path of one target, over all runs of this plan.
CREATE OR REPLACE TEMP TABLE ended AS
SELECT nkey, status, digest, size, etag, modified_us, content_type, origin_etag, origin_modified_us
FROM outcomes WHERE rowid IN (
  SELECT arg_max(rowid, (batch, position)) FROM outcomes
  WHERE plan_id = $plan_id AND repository = $repository::UUID GROUP BY nkey
)
