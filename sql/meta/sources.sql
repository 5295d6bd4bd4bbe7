-- One row a source that this version can read, as of the build: what a date of it means, and when it is due.
-- kind: ledger
-- grain: source
select
    null::varchar as source, -- name of the source
    null::varchar as cadence, -- day, week, snapshot (the present only) or capture (copies made in the past)
    null::boolean as needs_key, -- OPENROUTER_API_KEY is needed
    null::boolean as has_past, -- days that were missed can still be had
    null::varchar as yields_to, -- source beside which this one is read for comparison only; null for most
    null::varchar[] as series, -- parts that are asked apart, such as filters or pages; null where they vary
    null::date as floor_date, -- first date that the source can hold, by its documentation
    null::interval as published_after, -- time after the end of a day, or week, at which it is due
    null::timestamp as checked_at -- instant (UTC, business clock) of the build
where false
