-- Every chart of every rankings page as it was read, one row a bucket and stacked entity.
-- kind: ledger
select
    null::timestamp as captured_at, -- instant (UTC) at which the page was saved
    null::varchar as chart, -- models, authors, context_length, categories, or unknown_<n> where nothing tells
    null::date as bucket_date, -- first UTC day of the bucket, as published: a day, a Monday or a Sunday
    null::varchar as entity, -- what is stacked: a slug with `:variant`, an author, a class; `Others` is the rest
    null::double as value, -- its height
    null::varchar as unit, -- tokens; null where the page does not tell
    null::timestamp as as_of, -- captured_at
    null::timestamp as fetched_at, -- instant (UTC) at which the pipeline received it
    null::varchar as load_id, -- row of meta.loads, and of the archive's manifest
    null::varchar as source -- rankings-page
where false
