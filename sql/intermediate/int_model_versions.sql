-- History of the catalogue: a new version of a model only when a listed attribute changes, or when it comes back.
-- grain: model_permaslug, valid_from
-- check: valid_from < coalesce(valid_to, '9999-12-31'::timestamp)
with catalogues as (
    select
        fetched_at,
        row_number() over (order by fetched_at) as catalogue_number,
        lead(fetched_at) over (order by fetched_at) as next_fetched_at
    from staging.stg_models
    group by fetched_at
),

attributes as (
    select
        models.*,
        catalogues.catalogue_number,
        catalogues.next_fetched_at,
        hash((
            models.id, models.name, models.author, models.created_at, models.context_length_tokens,
            models.prompt_usd_per_token, models.completion_usd_per_token, models.input_cache_read_usd_per_token,
            models.input_modalities, models.output_modalities, models.tokenizer, models.is_open_weight_candidate,
            models.is_reasoning_capable, models.expiration_date
        )) as attributes_hash
    from staging.stg_models as models
    inner join catalogues on models.fetched_at = catalogues.fetched_at
    qualify row_number() over (partition by models.model_permaslug, models.fetched_at order by models.load_id) = 1
),

marked as (
    select
        *,
        coalesce(
            lag(attributes_hash) over history <> attributes_hash
            or lag(catalogue_number) over history <> catalogue_number - 1,
            true
        ) as is_new_version
    from attributes
    window history as (partition by model_permaslug order by catalogue_number)
),

numbered as (
    select
        *,
        sum(is_new_version::integer) over (partition by model_permaslug order by catalogue_number) as version
    from marked
)

select
    model_permaslug,
    min(fetched_at) as valid_from, -- instant (UTC) of the first catalogue that shows this version
    if(count(*) filter (where next_fetched_at is null) > 0, null, max(next_fetched_at))
        as valid_to, -- instant (UTC) of the first catalogue that no longer does; null while it is current
    any_value(id) as id,
    any_value(name) as name,
    any_value(author) as author,
    any_value(variant) as variant, -- after the colon, else `standard`
    any_value(created_at) as created_at,
    any_value(context_length_tokens) as context_length_tokens,
    any_value(prompt_usd_per_token) as prompt_usd_per_token, -- list price of a prompt token
    any_value(completion_usd_per_token) as completion_usd_per_token, -- list price of a completion token
    any_value(input_cache_read_usd_per_token) as input_cache_read_usd_per_token,
    any_value(input_modalities) as input_modalities,
    any_value(output_modalities) as output_modalities,
    any_value(tokenizer) as tokenizer,
    any_value(is_open_weight_candidate) as is_open_weight_candidate,
    any_value(is_reasoning_capable) as is_reasoning_capable,
    any_value(expiration_date) as expiration_date
from numbered
group by model_permaslug, version
