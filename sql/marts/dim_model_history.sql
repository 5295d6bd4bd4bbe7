-- Every version of every model that any catalogue showed; a new one only when a listed attribute changes.
-- grain: model_permaslug, valid_from
select
    model_permaslug, -- slug of the rankings, with `:variant`
    valid_from, -- instant (UTC) of the first catalogue that shows this version
    valid_to, -- instant (UTC) of the first catalogue that no longer does; null while it is current
    id, -- API id
    name, -- display name
    author, -- namespace before the slash, as published
    variant, -- after the colon, else `standard`
    created_at, -- instant (UTC) at which OpenRouter listed it
    context_length_tokens, -- longest context
    prompt_usd_per_token, -- list price of a prompt token; null for routers
    completion_usd_per_token, -- list price of a completion token; null for routers
    input_cache_read_usd_per_token, -- list price of a token read from the cache; null where none is named
    input_modalities, -- sorted, separated by commas
    output_modalities, -- sorted, separated by commas
    tokenizer, -- tokenizer family
    is_open_weight_candidate, -- weights are linked; licences differ
    is_reasoning_capable, -- the catalogue lists reasoning; says nothing about use
    expiration_date -- day after which the model may be removed
from intermediate.int_model_versions
