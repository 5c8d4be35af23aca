INSERT INTO histories SELECT $repository::UUID, 0, NULL
WHERE NOT EXISTS (SELECT 1 FROM histories WHERE repository = $repository::UUID);

UPDATE histories SET retain = $retain WHERE repository = $repository::UUID
