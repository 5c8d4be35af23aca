CREATE OR REPLACE TEMP TABLE listed AS
SELECT md5($tenant || chr(31) || path)::UUID AS nkey, path, size, etag, modified_us
FROM read_parquet($files) WHERE $checked;

CREATE OR REPLACE TEMP TABLE marked AS
SELECT DISTINCT md5($tenant || chr(31) || left(path, length(path) - length('.done')))::UUID AS nkey
FROM read_parquet($markers) WHERE $marking AND ends_with(path, '.done');

CREATE OR REPLACE TEMP TABLE at_source AS
{source_unseen};

CREATE OR REPLACE TEMP TABLE at_target AS
{target_unseen};

CREATE OR REPLACE TEMP TABLE at_markers AS
{marker_unseen};

INSERT INTO decided
SELECT $target, nkey, path, split_part(decision, ' ', 1), substr(decision, strpos(decision, ' ') + 1),
  CASE split_part(decision, ' ', 1)
    WHEN 'keep' THEN coalesce(held_size, listed_size, size)
    WHEN 'remove' THEN held_size ELSE size END,
  seen, seen_size, seen_etag, seen_modified_us
FROM (
  SELECT coalesce(w.nkey, h.nkey) AS nkey, coalesce(w.path, h.path) AS path, w.size,
    h.size AS held_size, l.size AS listed_size,
    CASE WHEN $checked THEN l.nkey ELSE h.nkey END IS NOT NULL AS seen,
    CASE WHEN $checked THEN l.size ELSE h.size END AS seen_size,
    CASE WHEN $checked THEN l.etag ELSE h.etag END AS seen_etag,
    CASE WHEN $checked THEN l.modified_us ELSE h.modified_us END AS seen_modified_us,
    {decide} AS decision
  FROM wanted w
  FULL JOIN ({held}) h ON w.nkey = h.nkey
  LEFT JOIN listed l ON l.nkey = coalesce(w.nkey, h.nkey)
  LEFT JOIN marked m ON m.nkey = coalesce(w.nkey, h.nkey)
  LEFT JOIN (SELECT nkey, true AS source_unseen FROM at_source) us ON us.nkey = coalesce(w.nkey, h.nkey)
  LEFT JOIN (SELECT nkey, true AS target_unseen FROM at_target) ut ON ut.nkey = coalesce(w.nkey, h.nkey)
  LEFT JOIN (SELECT nkey, true AS marker_unseen FROM at_markers) um ON um.nkey = coalesce(w.nkey, h.nkey)
)
WHERE decision IS NOT NULL;

INSERT INTO unstored
SELECT $target, nkey FROM ({held}) WHERE NOT stands
