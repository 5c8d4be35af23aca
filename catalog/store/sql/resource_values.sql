-- The values that a property has, of resources that have another one; {conditions} narrow it.
SELECT DISTINCT json_extract_string(properties, $key) AS value
FROM resources
WHERE tenant = $tenant AND json_extract_string(properties, $having) IS NOT NULL AND value IS NOT NULL{conditions}
ORDER BY value
