-- The values of a property, among resources with another property; {conditions} filter them.
SELECT DISTINCT json_extract_string(properties, $key) AS value
FROM resources
WHERE tenant = $tenant AND json_extract_string(properties, $having) IS NOT NULL AND value IS NOT NULL{conditions}
ORDER BY value
