-- Every catalogue row of every catalogue that counts, with the day it was fetched and its parts named. An imported
-- catalogue stands in for a day on which the pipeline fetched none. Where it lists models with text output only, as
-- most that others saved do, it counts up to the first whole one: behind that it would make models look delisted.
-- grain: load_id, model_permaslug
with catalogues as (
    select
        models.load_id,
        any_value(models.fetched_at) as fetched_at,
        any_value(loads.origin is null) as is_fetched,
        any_value(loads.origin is null) or not bool_and(models.output_modalities like '%text%') as is_whole
    from raw.models as models
    inner join meta.loads as loads on models.load_id = loads.load_id
    group by models.load_id
),

counting as (
    select
        load_id,
        is_whole
    from catalogues
    qualify
        (is_fetched or not bool_or(is_fetched) over (partition by fetched_at::date))
        and (is_whole or fetched_at < coalesce(min(if(is_whole, fetched_at, null)) over (), '9999-12-31'::timestamp))
)

select
    models.load_id, -- row of meta.loads
    models.fetched_at, -- instant (UTC) of the catalogue
    models.fetched_at::date as date, -- UTC day of the catalogue
    models.model_permaslug, -- slug of the rankings
    split_part(models.model_permaslug, '/', 1) as author, -- namespace before the slash
    coalesce(nullif(split_part(models.model_permaslug, ':', 2), ''), 'standard') as variant, -- after the colon
    models.id, -- API id
    models.name,
    models.created_at, -- instant (UTC) at which OpenRouter listed it
    models.context_length_tokens, -- longest context
    nullif(models.prompt_usd_per_token, -1) as prompt_usd_per_token, -- list price; null for routers
    nullif(models.completion_usd_per_token, -1) as completion_usd_per_token, -- list price; null for routers
    nullif(models.input_cache_read_usd_per_token, -1)
        as input_cache_read_usd_per_token, -- list price of a token read from the cache; null where none is named
    models.input_modalities,
    models.output_modalities,
    models.tokenizer, -- tokenizer family
    models.hugging_face_id is not null as is_open_weight_candidate, -- weights are linked; licences differ
    models.is_reasoning_capable, -- the catalogue lists reasoning
    models.expiration_date,
    models.alias_target_slug, -- concrete model behind an alias
    counting.is_whole -- the catalogue lists models of all output modalities
from raw.models as models
inner join counting on models.load_id = counting.load_id
