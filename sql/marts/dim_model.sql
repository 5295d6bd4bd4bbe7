-- Every ranked model with its catalogue row, current or last. The join is exact and keeps variants apart: first the
-- canonical slug with its variant, else the API id. What matches neither stays visible as unmatched.
-- grain: model_permaslug
-- check: (match_status = 'unmatched') = (id is null)
with newest as (
    select *
    from intermediate.int_model_versions
    qualify row_number() over (partition by model_permaslug order by valid_from desc) = 1
),

newest_of_id as (
    select *
    from newest
    qualify row_number() over (partition by id order by valid_from desc, model_permaslug asc) = 1
),

matched as (
    select
        models.model_id,
        'permaslug' as matched_by,
        newest.*
    from intermediate.int_models as models
    inner join newest on models.model_permaslug = newest.model_permaslug
    union all
    select
        models.model_id,
        'id' as matched_by,
        newest_of_id.*
    from intermediate.int_models as models
    inner join newest_of_id on models.model_permaslug = newest_of_id.id
    where models.model_permaslug not in (select newest.model_permaslug from newest)
)

select
    models.model_permaslug, -- slug of the rankings, with `:variant`
    case
        when matched.id is null then 'unmatched'
        when matched.valid_to is not null then 'delisted'
        else 'matched'
    end as match_status, -- matched: in the newest catalogue; delisted: in an older one; unmatched: in none
    matched.matched_by, -- permaslug or id; null where unmatched
    models.author, -- namespace before the slash, as published
    models.variant, -- after the colon, else `standard`
    models.first_listed_date, -- first day on which it is listed
    models.last_listed_date, -- last day on which it is listed
    matched.id, -- API id
    matched.name, -- display name
    matched.created_at, -- instant (UTC) at which OpenRouter listed it
    matched.context_length_tokens, -- longest context
    matched.prompt_usd_per_token, -- list price of a prompt token; null for routers
    matched.completion_usd_per_token, -- list price of a completion token; null for routers
    matched.input_modalities, -- sorted, separated by commas
    matched.output_modalities, -- sorted, separated by commas
    matched.tokenizer, -- tokenizer family
    matched.is_open_weight_candidate, -- weights are linked; licences differ
    matched.is_reasoning_capable, -- the catalogue lists reasoning; says nothing about use
    matched.expiration_date, -- day after which the model may be removed
    matched.valid_from, -- instant (UTC) of the first catalogue that shows this version
    matched.valid_to -- instant (UTC) of the first catalogue that no longer does; null while it is current
from intermediate.int_models as models
left join matched on models.model_id = matched.model_id
