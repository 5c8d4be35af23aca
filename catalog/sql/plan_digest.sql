-- Over the ordered rows that ask for something, in slices, so that no text grows with the plan.
SELECT sha256($head || coalesce(string_agg(slice, chr(10) ORDER BY number), '')) FROM (
  SELECT number, sha256(string_agg(line, chr(10) ORDER BY batch, position, target)) AS slice
  FROM (
    SELECT i.position // 10000 + i.batch * 1000000 AS number, i.batch, i.position, d.target,
      concat_ws(chr(31), d.target, d.path, d.action, d.reason, coalesce(i.origin, ''),
        coalesce(i.size::VARCHAR, ''), coalesce(i.etag, ''), coalesce(i.modified_us::VARCHAR, ''),
        coalesce(i.digests, '')) AS line
    FROM decided d JOIN items i USING (nkey) WHERE d.action <> 'keep'
  )
  GROUP BY number
)
