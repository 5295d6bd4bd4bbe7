-- Every vintage of every day's rankings as it was received: tokens of the 50 largest models and `other`.
-- kind: ledger
select
    null::date as date, -- UTC day
    null::varchar as model_permaslug, -- OpenRouter's permanent slug, with `:variant`; `other` is the rest
    null::bigint as total_tokens, -- prompt and completion tokens, counted by each provider's own tokenizer
    null::timestamp as as_of, -- instant (UTC) as of which the source states the figures
    null::timestamp as fetched_at, -- instant (UTC) at which the pipeline received them
    null::varchar as load_id, -- row of meta.loads, and of the archive's manifest
    null::varchar as source -- rankings-daily or exports
where false
