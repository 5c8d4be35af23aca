DELETE FROM version_labels
WHERE repository = $repository::UUID AND number = $number AND list_contains($keys::VARCHAR[], key);

INSERT INTO version_labels
SELECT $repository::UUID, $number, key, value
FROM (SELECT unnest($keys::VARCHAR[]) AS key, unnest($values::VARCHAR[]) AS value) WHERE value IS NOT NULL
