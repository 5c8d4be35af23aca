-- How the bytes of a version were verified when it was created; '' if that was not recorded.
SELECT coalesce(proof, '') AS proof, count(*) FROM (
  SELECT c.nkey, arg_max(o.proof, o.batch) AS proof
  FROM content c
  JOIN repository_versions v ON v.repository = c.repository AND v.number = $number
  LEFT JOIN outcomes o ON o.repository = c.repository AND o.nkey = c.nkey AND o.digest = c.digest
    AND o.proof IS NOT NULL AND make_timestamp(left(o.batch, 20)::BIGINT // 1000) <= v.created_at
  WHERE c.repository = $repository::UUID
    AND c.added_in <= $number AND (c.removed_in IS NULL OR c.removed_in > $number)
  GROUP BY c.nkey
) GROUP BY 1 ORDER BY 1
