-- What the catalogues say of the price of each ranked model over time: its versions, of several in one day the last,
-- each with the price of the version before. A model has its own row's prices only, never those of another variant.
-- grain: model_permaslug, date
-- check: date <= last_seen_date
with catalogues as (
    select
        fetched_at,
        lag(fetched_at) over (order by fetched_at) as last_fetched_at,
        lag(bool_or(is_whole)) over (order by fetched_at) as is_last_whole
    from staging.stg_models
    group by fetched_at
),

newest as (
    select max(fetched_at) as fetched_at
    from catalogues
),

matched as (
    select
        matches.model_permaslug,
        versions.valid_from,
        versions.valid_to,
        versions.prompt_usd_per_token,
        versions.completion_usd_per_token,
        versions.input_cache_read_usd_per_token,
        versions.output_modalities like '%text%' as is_billed_by_token
    from intermediate.int_model_matches as matches
    inner join intermediate.int_model_versions as versions on matches.catalogue_slug = versions.model_permaslug
    where matches.first_listed_date is not null
),

-- Rounded, so that a price which is the same but for a float's last digit is the same.
daily as (
    select
        matched.model_permaslug,
        matched.valid_from::date as date,
        coalesce(catalogues.last_fetched_at, newest.fetched_at)::date as last_seen_date,
        case when catalogues.is_last_whole then matched.valid_to end::date as missing_date,
        greatest(matched.valid_from::date, coalesce(matched.valid_to::date - 1, 'infinity'::date)) as valid_until_date,
        matched.is_billed_by_token,
        round(1e6 * matched.prompt_usd_per_token, 6) as prompt_usd,
        round(1e6 * matched.completion_usd_per_token, 6) as completion_usd,
        round(1e6 * matched.input_cache_read_usd_per_token, 6) as cache_read_usd
    from matched
    cross join newest
    left join catalogues on matched.valid_to = catalogues.fetched_at
    qualify row_number() over (
        partition by matched.model_permaslug, matched.valid_from::date
        order by matched.valid_from desc, matched.valid_to desc nulls first
    ) = 1
),

compared as (
    select
        model_permaslug,
        date,
        last_seen_date,
        missing_date,
        valid_until_date,
        is_billed_by_token,
        prompt_usd,
        completion_usd,
        cache_read_usd,
        lag(prompt_usd) over versions as previous_prompt_usd,
        lag(completion_usd) over versions as previous_completion_usd,
        row_number() over versions = 1 as is_first,
        lead(date) over versions is null as is_last
    from daily
    window versions as (partition by model_permaslug order by date)
),

-- Prices in words have two decimals at least and six at most.
worded as (
    select
        *,
        not is_first and coalesce(prompt_usd, -1) <> coalesce(previous_prompt_usd, -1) as is_prompt_changed,
        not is_first and coalesce(completion_usd, -1) <> coalesce(previous_completion_usd, -1) as is_completion_changed,
        'from ' || coalesce(regexp_replace(printf('%.6f', previous_prompt_usd), '0{1,4}$', ''), 'none')
        || ' to ' || coalesce(regexp_replace(printf('%.6f', prompt_usd), '0{1,4}$', ''), 'none') as prompt_prices,
        'from ' || coalesce(regexp_replace(printf('%.6f', previous_completion_usd), '0{1,4}$', ''), 'none')
        || ' to ' || coalesce(regexp_replace(printf('%.6f', completion_usd), '0{1,4}$', ''), 'none')
            as completion_prices
    from compared
)

select
    model_permaslug, -- slug of the rankings
    date, -- UTC day of the first catalogue with this version
    last_seen_date, -- UTC day of the last catalogue with it
    missing_date, -- UTC day of the first catalogue without it, where the one before was whole; null while it is current
    valid_until_date, -- UTC day before the first catalogue without it; infinity while it is current
    is_first, -- no older version
    is_last, -- no newer version
    prompt_usd = 0 and completion_usd = 0 and is_billed_by_token
        as is_free, -- both list prices are 0, of a model with text output; null for routers
    previous_prompt_usd = 0 and previous_completion_usd = 0 and is_billed_by_token
        as was_free, -- both list prices of the version before are 0
    prompt_usd as prompt_usd_per_million, -- list price of a million prompt tokens; null for routers
    completion_usd as completion_usd_per_million, -- list price of a million completion tokens; null for routers
    cache_read_usd
        as cache_read_usd_per_million, -- list price of a million tokens read from the cache; null where none is named
    case
        when is_prompt_changed then 100 * (prompt_usd / nullif(previous_prompt_usd, 0) - 1)
        when is_completion_changed then 100 * (completion_usd / nullif(previous_completion_usd, 0) - 1)
    end as change_pct, -- of the prompt price, else of the completion price; null where it was 0 and where both stayed
    case
        when is_prompt_changed and is_completion_changed
            then 'prompt price ' || prompt_prices || ', completion price ' || completion_prices
        when is_prompt_changed then 'prompt price ' || prompt_prices
        when is_completion_changed then 'completion price ' || completion_prices
    end || ' USD per million tokens' as price_change -- what changed, in words; null where both prices stayed
from worded
