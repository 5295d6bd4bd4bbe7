-- Every ranked model with its catalogue row, current or last. The join is exact and keeps variants apart: first the
-- canonical slug with its variant, else the API id. What matches neither stays visible as unmatched.
-- grain: model_permaslug
-- check: (match_status = 'unmatched') = (id is null)
with models as (
    select
        matches.model_permaslug,
        matches.author,
        matches.variant,
        matches.first_listed_date,
        matches.last_listed_date,
        matches.matched_by,
        matches.catalogue_slug,
        members.entity as organisation,
        traits.price_class,
        traits.weights
    from intermediate.int_model_matches as matches
    inner join intermediate.int_model_traits as traits
        on matches.item_id = traits.item_id and traits.last_date = 'infinity'::date
    inner join intermediate.int_members as members
        on
            matches.item_id = members.item_id
            and members.dimension = 'organisation'
            and members.last_date = 'infinity'::date
    where matches.first_listed_date is not null
),

newest as (
    select *
    from intermediate.int_model_versions
    qualify row_number() over (partition by model_permaslug order by valid_from desc) = 1
)

select
    models.model_permaslug, -- slug of the rankings, with `:variant`
    case
        when newest.id is null then 'unmatched'
        when newest.valid_to is not null then 'delisted'
        else 'matched'
    end as match_status, -- matched: in the newest catalogue; delisted: in an older one; unmatched: in none
    models.matched_by,
    models.author,
    models.organisation, -- who is behind the author, by the curated map, now; or `unattributed`
    models.variant,
    models.price_class, -- free_variant, zero_price, paid or unmatched, now
    models.weights, -- open_candidate, proprietary or unknown, by the catalogue and the curated map, now
    models.first_listed_date, -- first day on which it is listed
    models.last_listed_date, -- last day on which it is listed
    newest.id,
    newest.name,
    newest.created_at,
    newest.context_length_tokens,
    newest.prompt_usd_per_token, -- list price of a prompt token; null for routers
    newest.completion_usd_per_token, -- list price of a completion token; null for routers
    newest.input_cache_read_usd_per_token,
    newest.input_modalities,
    newest.output_modalities,
    newest.tokenizer, -- tokenizer family
    newest.is_open_weight_candidate,
    newest.is_reasoning_capable, -- the catalogue lists reasoning; says nothing about use
    newest.expiration_date,
    newest.valid_from,
    newest.valid_to
from models
left join newest on models.catalogue_slug = newest.model_permaslug
