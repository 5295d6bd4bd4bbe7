-- Every vintage of every day's filtered rankings as it was received: exact tokens of the 50 largest models and `other`
-- within a context bucket or a modality.
-- kind: ledger
select
    null::date as date, -- UTC day
    null::varchar as dimension, -- what the rankings are cut by: context_bucket or modality
    null::varchar as slice, -- its value, such as 100K or image_output
    null::varchar as model_permaslug, -- OpenRouter's permanent slug, with `:variant`; `other` is the slice's rest
    null::bigint as total_tokens, -- prompt and completion tokens, counted by each provider's own tokenizer
    null::timestamp as as_of, -- instant (UTC) as of which the source states the figures
    null::timestamp as fetched_at, -- instant (UTC) at which the pipeline received them
    null::varchar as load_id, -- row of meta.loads, and of the archive's manifest
    null::varchar as source -- rankings-contexts or rankings-modalities
where false
