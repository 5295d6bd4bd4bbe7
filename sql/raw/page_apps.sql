-- The listed applications of every rankings page as they were read: totals of trailing windows, not of days.
-- kind: ledger
select
    null::timestamp as captured_at, -- instant (UTC) at which the page was saved
    null::varchar as ranking_window, -- trailing window of the row: day, week or month
    null::bigint as rank, -- published rank, which may have gaps; null where the page has none
    null::bigint as app_id, -- OpenRouter's number of the application
    null::varchar as app_name, -- display name
    null::bigint as total_tokens, -- prompt and completion tokens in the window
    null::bigint as total_requests, -- requests in the window; null where the page has none
    null::timestamp as as_of, -- captured_at
    null::timestamp as fetched_at, -- instant (UTC) at which the pipeline received it
    null::varchar as load_id, -- row of meta.loads, and of the archive's manifest
    null::varchar as source -- rankings-page
where false
