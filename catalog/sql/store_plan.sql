CREATE OR REPLACE TEMP TABLE items AS
SELECT b.number AS batch, m.position, m.nkey, m.path, m.origin, m.size, m.etag, m.modified_us, m.digest,
  m.digests, m.content_type, m.properties
FROM moving m ASOF JOIN batch_starts b ON m.position >= b.start
UNION ALL
SELECT $removals + l.position // $count, l.position, l.nkey, l.path, NULL, l.size, NULL, NULL, NULL,
  NULL, NULL, NULL
FROM leaving l;

INSERT INTO plan_items SELECT $plan_id, * FROM items ORDER BY batch, position;

INSERT INTO plan_batches
SELECT $plan_id, batch, count(*), coalesce(sum(size) FILTER (origin IS NOT NULL), 0)
FROM items GROUP BY batch ORDER BY batch;

INSERT INTO plan_rows
SELECT $plan_id, target, nkey, path, action, reason, size, NULL FROM decided WHERE action = 'keep';

INSERT INTO plan_rows
SELECT $plan_id, d.target, d.nkey, d.path, d.action, d.reason, d.size, i.batch
FROM decided d JOIN items i USING (nkey) WHERE d.action <> 'keep'
ORDER BY i.batch, i.position, d.target
