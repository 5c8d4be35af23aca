-- Those of some rows (nkey, path) that lie in a gap: nothing is known of them.
SELECT DISTINCT nkey FROM (
  SELECT nkey, path, unnest(list_prepend('', [
    array_to_string(string_split(path, '/')[1:place], '/')
    for place in range(1, len(string_split(path, '/')) + 1)])) AS folder
  FROM {rows}
) spread JOIN {gaps} g ON g.path = folder AND (g.below OR folder = spread.path)
