-- Every list of captures of the rankings page in the web archive as it was received, one row a capture.
-- kind: ledger
select
    null::varchar as series, -- time and address of the capture, under which it is asked
    null::timestamp as captured_at, -- instant (UTC) at which the page was saved
    null::varchar as original, -- address of the page
    null::varchar as digest, -- the archive's digest of what it holds
    null::timestamp as as_of, -- instant (UTC) of retrieval
    null::timestamp as fetched_at, -- instant (UTC) at which the pipeline received it
    null::varchar as load_id, -- row of meta.loads, and of the archive's manifest
    null::varchar as source -- rankings-page-list
where false
