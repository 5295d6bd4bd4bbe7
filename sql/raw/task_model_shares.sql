-- Every answer on what models are used for, one row a task and one of its largest models: shares of a trailing window.
-- kind: ledger
select
    null::date as as_of_date, -- UTC day with which the window ends
    null::bigint as window_days, -- length of the window
    null::varchar as tag, -- task, such as code:debugging
    null::varchar as model_permaslug, -- one of the task's largest models, by the slug of the rankings
    null::double as tag_usage_share, -- share of the task's requests, 0 to 1; sampled
    null::double as tag_token_share, -- share of the task's tokens, 0 to 1; sampled
    null::timestamp as as_of, -- instant (UTC) of retrieval: the answer states a day only
    null::timestamp as fetched_at, -- instant (UTC) at which the pipeline received it
    null::varchar as load_id, -- row of meta.loads, and of the archive's manifest
    null::varchar as source -- task-shares
where false
