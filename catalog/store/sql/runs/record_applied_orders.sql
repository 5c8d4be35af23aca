INSERT INTO ingested
SELECT unnest($batches::VARCHAR[]), $kind, unnest($results::VARCHAR[]), now()::TIMESTAMP
