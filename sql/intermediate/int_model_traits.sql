-- What the catalogue says of each model, from which day to which. The first version of a row counts for the days
-- before it, too, because no catalogue of them is to be had, and the last one for those after it. A model without text
-- output is billed by image or second, so that its token prices of 0 are none.
-- grain: item_id, first_date
-- check: first_date <= last_date
with versions as (
    select
        model_permaslug,
        valid_from::date as valid_date,
        prompt_usd_per_token,
        completion_usd_per_token,
        output_modalities,
        tokenizer,
        is_open_weight_candidate,
        is_reasoning_capable
    from intermediate.int_model_versions
    qualify row_number() over (partition by model_permaslug, valid_from::date order by valid_from desc) = 1
),

lasting as (
    select
        *,
        if(lag(valid_date) over history is null, '-infinity'::date, valid_date) as first_date,
        coalesce(lead(valid_date) over history - 1, 'infinity'::date) as last_date
    from versions
    window history as (partition by model_permaslug order by valid_date)
)

select
    matches.item_id,
    coalesce(lasting.first_date, '-infinity'::date) as first_date, -- first UTC day
    coalesce(lasting.last_date, 'infinity'::date) as last_date, -- last UTC day
    case
        when matches.variant = 'free' then 'free_variant'
        when matches.catalogue_slug is null or lasting.prompt_usd_per_token is null then 'unmatched'
        when lasting.prompt_usd_per_token > 0 or lasting.completion_usd_per_token > 0 then 'paid'
        when lasting.output_modalities like '%text%' then 'zero_price'
        else 'unmatched'
    end
        as price_class, -- free_variant, zero_price, paid, or unmatched: no token price of the variant is known
    case
        when overrides.weights is not null then overrides.weights
        when lasting.is_open_weight_candidate then 'open_candidate'
        when lasting.tokenizer <> 'Router' then 'proprietary'
        else 'unknown'
    end as weights, -- open_candidate: weights are linked, licences differ; proprietary; unknown
    case
        when lasting.is_reasoning_capable then 'capable'
        when lasting.tokenizer <> 'Router' then 'not_capable'
        else 'unknown'
    end as reasoning, -- capable: says nothing about use; not_capable; unknown
    case lasting.tokenizer when 'Other' then 'Other family' else coalesce(lasting.tokenizer, 'unknown') end
        as tokenizer -- tokenizer family; `Other family` is the catalogue's own word for the rest
from intermediate.int_model_matches as matches
left join lasting on matches.traits_slug = lasting.model_permaslug
left join curated.weights as overrides on split_part(matches.model_permaslug, ':', 1) = overrides.canonical_slug
