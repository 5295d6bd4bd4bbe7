-- Every answer on what models are used for, one row a task: shares of a trailing window, never of a day.
-- kind: ledger
select
    null::date as as_of_date, -- UTC day with which the window ends
    null::bigint as window_days, -- length of the window
    null::varchar as tag, -- task, such as code:debugging
    null::varchar as display_name, -- name of the task
    null::varchar as macro_category, -- group of tasks: code, data, agent or general
    null::double as usage_share, -- share of classified requests, 0 to 1; sampled
    null::double as token_share, -- share of classified tokens, 0 to 1; sampled
    null::double as category_usage_share, -- share of the category's requests, 0 to 1
    null::double as category_token_share, -- share of the category's tokens, 0 to 1
    null::timestamp as as_of, -- instant (UTC) of retrieval: the answer states a day only
    null::timestamp as fetched_at, -- instant (UTC) at which the pipeline received it
    null::varchar as load_id, -- row of meta.loads, and of the archive's manifest
    null::varchar as source -- task-shares
where false
