-- Every models catalogue as it was received, one row a model and variant.
-- kind: ledger
select
    null::varchar as id, -- OpenRouter's API id, such as author/name:free
    null::varchar as canonical_slug, -- permanent slug, shared by all variants of a model
    null::varchar as model_permaslug, -- canonical_slug with the id's `:variant`: the slug of the rankings
    null::varchar as name, -- display name
    null::timestamp as created_at, -- instant (UTC) at which OpenRouter listed the model
    null::bigint as context_length_tokens, -- longest context; null where OpenRouter names none
    null::double as prompt_usd_per_token, -- list price of a prompt token; -1 for routers
    null::double as completion_usd_per_token, -- list price of a completion token; -1 for routers
    null::double as input_cache_read_usd_per_token, -- list price of a token read from the cache; null: none named
    null::double as input_cache_write_usd_per_token, -- list price of a token written to it; null: none named
    null::double as internal_reasoning_usd_per_token, -- list price of a hidden reasoning token; null: none named
    null::double as request_usd, -- list price of a request beside its tokens; null: none named
    null::varchar as input_modalities, -- sorted, separated by commas
    null::varchar as output_modalities, -- sorted, separated by commas
    null::varchar as tokenizer, -- OpenRouter's name of the tokenizer's family
    null::varchar as hugging_face_id, -- repository of the weights; present for open-weight candidates
    null::boolean as is_reasoning_capable, -- the catalogue lists reasoning; says nothing about use
    null::date as expiration_date, -- day after which the model may be removed
    null::varchar as alias_target_slug, -- concrete model behind an alias row
    null::timestamp as as_of, -- instant (UTC) as of which the catalogue holds
    null::timestamp as fetched_at, -- instant (UTC) at which the pipeline received it
    null::varchar as load_id, -- row of meta.loads, and of the archive's manifest
    null::varchar as source -- models
where false
