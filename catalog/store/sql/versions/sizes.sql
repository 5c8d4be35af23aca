SELECT count(*), coalesce(sum(size), 0)::BIGINT, coalesce(sum(size) FILTER (nth = 1), 0)::BIGINT
FROM (
  SELECT size, row_number() OVER (PARTITION BY coalesce(digest, nkey::VARCHAR::BLOB)) AS nth
  FROM content
  WHERE repository = $repository::UUID AND added_in <= $number AND (removed_in IS NULL OR removed_in > $number)
)
