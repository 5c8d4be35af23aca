-- The decision on one path: one expression over w (wanted), h (held), l (listed; empty unless
-- $checked) and m (markers), each NULL in `nkey` if there is no such row. `source_unseen`, `target_unseen` and
-- `marker_unseen` are true where a listing has a gap, else NULL. $late: bytes are fetched after the sync.
-- The result is 'action reason', or NULL.
CASE
WHEN w.nkey IS NULL OR NOT w.selected THEN CASE
  WHEN w.nkey IS NOT NULL OR $mode <> 'mirror' OR h.nkey IS NULL THEN NULL
  WHEN source_unseen THEN 'keep could not be seen at the source'
  WHEN target_unseen AND l.nkey IS NULL THEN 'keep could not be seen at the destination'
  ELSE 'remove gone from the source' END
WHEN $strategy = 'marker' AND (h.nkey IS NULL OR h.stored) THEN coalesce(
  CASE WHEN l.nkey IS NULL AND target_unseen IS NULL THEN 'add ' ELSE 'replace ' END || CASE
    WHEN h.origin IS DISTINCT FROM $source::UUID OR h.origin_path IS DISTINCT FROM w.origin THEN NULL
    WHEN w.digest IS NOT NULL AND h.digest IS NOT NULL
      THEN CASE WHEN w.digest <> h.digest THEN 'source digest changed' END
    WHEN w.size <> h.origin_size THEN 'source size changed ' || h.origin_size || ' -> ' || w.size
    WHEN w.etag IS NOT NULL AND h.origin_etag IS NOT NULL
      THEN CASE WHEN w.etag <> h.origin_etag THEN 'source etag changed' END
    WHEN w.modified_us <> h.origin_modified_us THEN 'source time changed' END,
  CASE
    WHEN marker_unseen AND m.nkey IS NULL THEN 'keep its marker could not be seen'
    WHEN target_unseen AND l.nkey IS NULL AND m.nkey IS NULL THEN 'keep could not be seen at the destination'
    WHEN m.nkey IS NOT NULL AND l.nkey IS NULL THEN 'keep marker at the destination, its file was taken away'
    WHEN m.nkey IS NOT NULL THEN 'keep marker at the destination'
    WHEN l.nkey IS NOT NULL THEN 'keep no marker at the destination yet'
    ELSE 'add not at the destination' END)
WHEN h.nkey IS NULL THEN CASE
  WHEN l.nkey IS NULL AND target_unseen THEN 'replace could not be seen at the destination'
  WHEN l.nkey IS NULL THEN 'add not at the destination'
  WHEN $strategy = 'size' AND w.size = l.size THEN 'keep same size at the destination'
  WHEN $strategy = 'name' THEN 'keep name at the destination'
  ELSE 'replace unverified at the destination' END
WHEN NOT h.stored AND NOT $late THEN CASE
  WHEN $checked AND l.nkey IS NULL AND target_unseen IS NULL THEN 'add catalogued, but not stored'
  ELSE 'replace catalogued, but not stored' END
WHEN h.stored AND $checked AND l.nkey IS NULL AND target_unseen IS NULL THEN 'add missing at the destination'
WHEN h.stored AND h.size <> l.size
  THEN 'replace changed at the destination: size ' || h.size || ' -> ' || l.size
WHEN h.stored AND $match_etags AND h.etag <> l.etag
  THEN 'replace changed at the destination: etag ' || h.etag || ' -> ' || l.etag
WHEN h.stored AND NOT ($match_etags AND h.etag IS NOT NULL AND l.etag IS NOT NULL) AND h.modified_us <> l.modified_us
  THEN 'replace changed at the destination: modified_us ' || h.modified_us || ' -> ' || l.modified_us
WHEN $strategy = 'always' THEN 'replace asked to move everything'
WHEN $strategy = 'name' THEN 'keep name at the destination'
WHEN $strategy = 'size' THEN CASE
  WHEN w.size = h.size THEN 'keep same size at the destination'
  ELSE 'replace source size changed ' || coalesce(h.size::VARCHAR, '?') || ' -> ' || coalesce(w.size::VARCHAR, '?') END
WHEN $strategy = 'digest' AND w.digest IS NOT NULL AND h.digest IS NOT NULL THEN CASE
  WHEN w.digest = h.digest THEN 'keep same digest'
  ELSE 'replace source digest changed' END
WHEN h.origin IS DISTINCT FROM $source::UUID OR h.origin_path IS DISTINCT FROM w.origin
  THEN 'replace copied from another source'
WHEN w.size <> h.origin_size
  THEN 'replace source size changed ' || h.origin_size || ' -> ' || w.size
WHEN w.etag IS NOT NULL AND h.origin_etag IS NOT NULL THEN CASE
  WHEN w.etag = h.origin_etag THEN 'keep same etag'
  ELSE 'replace source etag changed' END
WHEN w.modified_us IS NOT NULL AND h.origin_modified_us IS NOT NULL THEN CASE
  WHEN w.modified_us = h.origin_modified_us THEN 'keep same time'
  ELSE 'replace source time changed' END
WHEN w.size = h.origin_size THEN 'keep same size, nothing else to compare'
ELSE 'replace nothing to compare'
END
