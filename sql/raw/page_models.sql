-- Every rankings page as it was read, one row a window, model and variant: totals of trailing windows, not of days.
-- kind: ledger
select
    null::timestamp as captured_at, -- instant (UTC) at which the page was saved
    null::varchar as ranking_window, -- trailing window of the row: day, week or month
    null::varchar as model_permaslug, -- permanent slug without the variant
    null::varchar as variant, -- variant, such as free; else standard
    null::bigint as prompt_tokens, -- tokens sent in the window
    null::bigint as completion_tokens, -- tokens received in the window
    null::bigint as reasoning_tokens, -- reasoning tokens by the provider's count; null where the page has none
    null::bigint as cached_tokens, -- tokens read from a cache by the provider's count; null where the page has none
    null::bigint as requests, -- requests in the window
    null::bigint as tool_calls, -- tool calls in the window; null where the page has none
    null::bigint as tool_call_error_requests, -- requests with a failed tool call; null where the page has none
    null::bigint as prompt_media, -- images and other media sent; null where the page has none
    null::bigint as completion_media, -- images and other media received; null where the page has none
    null::bigint as prompt_audio, -- audio inputs sent; null where the page has none
    null::double as change_ratio, -- change to the window before, as a fraction; null for a new model
    null::date as last_active_date, -- last UTC day on which the model was used
    null::timestamp as as_of, -- captured_at
    null::timestamp as fetched_at, -- instant (UTC) at which the pipeline received it
    null::varchar as load_id, -- row of meta.loads, and of the archive's manifest
    null::varchar as source -- rankings-page
where false
