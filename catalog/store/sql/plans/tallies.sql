SELECT target, action, count(*), coalesce(sum(size), 0)::BIGINT FROM decided GROUP BY ALL ORDER BY ALL
