-- Every list of trending apps as it was received: OpenRouter ranks them by what a window exceeds those before it.
-- kind: ledger
select
    null::date as window_start_date, -- first UTC day of the window
    null::date as window_end_date, -- last UTC day of the window
    null::bigint as rank, -- published rank, by excess
    null::bigint as app_id, -- OpenRouter's number of the app, which lasts
    null::varchar as app_name, -- display name at retrieval
    null::bigint as total_tokens, -- prompt and completion tokens of the whole window, not the excess
    null::bigint as total_requests, -- requests of the whole window
    null::timestamp as as_of, -- instant (UTC) as of which the source states the figures
    null::timestamp as fetched_at, -- instant (UTC) at which the pipeline received them
    null::varchar as load_id, -- row of meta.loads, and of the archive's manifest
    null::varchar as source -- app-trending
where false
