SELECT coalesce(sum(try_cast(etag AS BIGINT)), 0) FROM content
WHERE repository = $repository::UUID AND added_in <= $number AND (removed_in IS NULL OR removed_in > $number)
