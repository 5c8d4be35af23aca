SELECT *, unnest([
  array_to_string(string_split(path, '/')[1:place], '/')
  for place in range(1, len(string_split(path, '/')))]) AS folder
FROM {rows}
