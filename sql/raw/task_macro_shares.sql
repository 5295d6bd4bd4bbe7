-- Every answer on what models are used for, one row a group of tasks: shares of a trailing window, never of a day.
-- kind: ledger
select
    null::date as as_of_date, -- UTC day with which the window ends
    null::bigint as window_days, -- length of the window
    null::varchar as macro_category, -- group of tasks: code, data, agent or general
    null::varchar as label, -- name of the group
    null::double as usage_share, -- share of classified requests, 0 to 1; sampled
    null::double as token_share, -- share of classified tokens, 0 to 1; sampled
    null::timestamp as as_of, -- instant (UTC) of retrieval: the answer states a day only
    null::timestamp as fetched_at, -- instant (UTC) at which the pipeline received it
    null::varchar as load_id, -- row of meta.loads, and of the archive's manifest
    null::varchar as source -- task-shares
where false
