UPDATE wanted SET selected = false WHERE rowid IN (
  SELECT rowid FROM wanted WHERE selected
  QUALIFY NOT row_number() OVER (ORDER BY {ordering}, origin) BETWEEN $skip + 1 AND $skip + $take
)
