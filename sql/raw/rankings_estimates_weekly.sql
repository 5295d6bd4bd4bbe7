-- Every vintage of every week's estimated rankings as it was received: tokens of the 50 largest models and `other`
-- within a category or a language type, counted on a sample and scaled up.
-- kind: ledger
select
    null::date as week_start_date, -- Monday of the ISO week
    null::varchar as dimension, -- what the rankings are cut by: category or language_type
    null::varchar as slice, -- its value, such as marketing/seo or natural
    null::varchar as model_permaslug, -- OpenRouter's permanent slug, with `:variant`; `other` is the slice's rest
    null::bigint as total_tokens, -- estimated prompt and completion tokens of the week
    null::timestamp as as_of, -- instant (UTC) as of which the source states the estimates
    null::timestamp as fetched_at, -- instant (UTC) at which the pipeline received them
    null::varchar as load_id, -- row of meta.loads, and of the archive's manifest
    null::varchar as source -- rankings-categories or rankings-languages
where false
