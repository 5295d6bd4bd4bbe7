-- One row an archived answer: what it was, what became of it, and what it covers.
-- kind: ledger
-- grain: load_id
select
    null::varchar as load_id, -- digest of the answer's row in the archive's manifest
    null::varchar as source, -- which source was asked
    null::varchar[] as series, -- parts of the source that the answer settles, or that were asked if it is refused
    null::integer as asked_series, -- parts that were asked at once, where their number varies; else null
    null::varchar as url, -- what was asked
    null::varchar as origin, -- where an imported file comes from; null for what the pipeline fetched itself
    null::varchar as outcome, -- landed, reference (led to other answers), absent (nothing there), refused or void
    null::varchar as message, -- why it was refused; what is void is never asked again
    null::varchar as warnings, -- what was odd but kept, such as unknown fields
    null::timestamp as fetched_at, -- instant (UTC) at which the pipeline received it
    null::timestamp as as_of, -- instant (UTC) as of which the source states the figures
    null::date as first_date, -- first day with rows
    null::date as last_date, -- last day with rows
    null::date as promised_end_date, -- last day that the source claims to cover
    null::date as floor_date, -- the answer shows that the source holds nothing before this day
    null::bigint as landed_rows, -- rows landed
    null::bigint as size_bytes, -- size of the body
    null::varchar as sha256, -- digest of the body, and its name in the archive
    null::boolean as is_simulated, -- the server declared its figures to be made up
    null::varchar as citation -- the line that the licence (CC BY 4.0) asks to show with the figures
where false
