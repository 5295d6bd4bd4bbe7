-- Every version of every model that any catalogue showed; a new one only when a listed attribute changes.
-- grain: model_permaslug, valid_from
select
    model_permaslug, -- slug of the rankings, with `:variant`
    valid_from,
    valid_to,
    id,
    name,
    author, -- namespace before the slash, as published
    variant,
    created_at,
    context_length_tokens,
    prompt_usd_per_token, -- list price of a prompt token; null for routers
    completion_usd_per_token, -- list price of a completion token; null for routers
    input_cache_read_usd_per_token,
    input_modalities,
    output_modalities,
    tokenizer,
    is_open_weight_candidate,
    is_reasoning_capable, -- the catalogue lists reasoning; says nothing about use
    expiration_date
from intermediate.int_model_versions
