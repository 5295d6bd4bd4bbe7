-- What happened on the market and when, as far as the daily rankings and the catalogues show it, with the tokens of the
-- week before and of the week that begins with the day. Weeks have 7 days, the top has 10 ranks, a restatement counts
-- from 0.1 % of the day's total on. Not listed means below rank 50, unless a catalogue tells more. The kinds:
-- launch, by the catalogue's created_at; size is tokens_7d_after.
-- first_listing, of a model whose launch no catalogue tells, and that is no free_launch; size is tokens_7d_after.
-- top_10_entry, the first loaded day of a model or an author in the top 10, but for those that began there; size is the
-- rank.
-- exit, the first of 7 or more days without a model that was listed on 7 days or more since it last came back; size is
-- tokens_7d_before.
-- free_launch, first listing of a `:free` variant, or of a model whose price is 0 then; size is tokens_7d_after.
-- free_end, the first day without a `:free` variant that is not listed again for 7 days or more and to this day, and
-- that the next catalogue does not offer either (without a catalogue it may only be below rank 50); or the day on
-- which a model whose price was 0 gets one; size is tokens_7d_before.
-- free_to_paid, a free_end with a paid model of the same slug that is listed within 7 days and was not a week before;
-- size is its tokens_7d_after in percent of the free variant's tokens_7d_before: the paid week's tokens against those
-- of the last free week, which they may exceed.
-- price_change, another list price of a model that is listed in one of the two weeks; size is the change of the prompt
-- price, or of the completion price where the prompt price stayed, and null where it was 0.
-- stealth_debut, first listing of a model of the author stealth, or of openrouter with a slug that ends in `-alpha` or
-- `-beta`; size is tokens_7d_after.
-- disappearance, a ranked model that whole catalogues had and the newest no longer has; size is tokens_7d_before.
-- restatement, a day whose total differs between its first and its last vintage; size is the change.
-- On the first loaded day nothing is a first listing. What catalogues tell is dated by the first one that shows it.
-- grain: kind, dimension, entity, date
-- check: (kind = 'free_to_paid') = (related_entity is not null)
-- check: tokens_7d_before >= 0 and tokens_7d_after >= 0
-- check: (is_unlisted_before is null) = (tokens_7d_before is null)
-- check: (is_unlisted_after is null) = (tokens_7d_after is null)
with loaded as (
    select
        min(date) as first_date,
        max(date) as last_date
    from intermediate.int_days
    where is_loaded
),

first_listings as (
    select
        models.model_permaslug,
        models.author,
        models.variant,
        split_part(models.model_permaslug, ':', 1) as base_slug,
        models.first_listed_date as date,
        models.created_at,
        tokens.rank
    from marts.dim_model as models
    inner join marts.fct_model_tokens_daily as tokens
        on models.model_permaslug = tokens.model_permaslug and models.first_listed_date = tokens.date
    cross join loaded
    where models.first_listed_date > loaded.first_date
),

-- The day's catalogue may be older than a model's first hour: then the first one of its first week counts.
priced_at_0 as (
    select distinct first_listings.model_permaslug
    from first_listings
    inner join intermediate.int_model_prices as prices
        on
            first_listings.model_permaslug = prices.model_permaslug
            and first_listings.date between prices.date - if(prices.is_first, 6, 0) and prices.last_seen_date
    where prices.is_free
),

catalogue_dates as (
    select date
    from staging.stg_models
    group by date
),

-- The first catalogue after the week of absence tells whether a free variant is gone or only below rank 50.
free_absences as (
    select
        ends.model_permaslug,
        ends.date,
        ends.last_listed_date,
        ends.last_rank,
        split_part(ends.model_permaslug, ':', 1) as base_slug,
        min(catalogue_dates.date) as next_catalogue_date
    from intermediate.int_listing_ends as ends
    inner join marts.dim_model as models on ends.model_permaslug = models.model_permaslug
    left join catalogue_dates on ends.date + 6 <= catalogue_dates.date
    where models.variant = 'free' and models.last_listed_date < ends.date
    group by ends.model_permaslug, ends.date, ends.last_listed_date, ends.last_rank
),

free_ends as (
    select
        free_absences.model_permaslug,
        free_absences.date,
        free_absences.last_listed_date,
        free_absences.last_rank,
        free_absences.base_slug
    from free_absences
    left join intermediate.int_model_prices as offered
        on
            free_absences.model_permaslug = offered.model_permaslug
            and free_absences.next_catalogue_date between offered.date and offered.last_seen_date
    where offered.date is null
),

-- A paid model that was listed beside the free one all along takes nothing over.
hand_overs as (
    select
        free_ends.model_permaslug,
        free_ends.date,
        free_ends.base_slug as paid_permaslug,
        min(paid.date) as paid_date
    from free_ends
    cross join loaded
    inner join marts.fct_model_tokens_daily as paid
        on
            free_ends.base_slug = paid.model_permaslug
            and paid.date between free_ends.date - 14 and free_ends.date + 6
    group by free_ends.model_permaslug, free_ends.date, free_ends.base_slug
    having
        min(paid.date) >= greatest(free_ends.date - 7, any_value(loaded.first_date) + 1)
        and max(paid.date) >= free_ends.date
),

restated_days as (
    select
        date,
        max(vintages) as vintages,
        sum(first_tokens) as first_tokens,
        sum(last_tokens) as last_tokens,
        100 * (sum(last_tokens) - sum(first_tokens)) / nullif(sum(first_tokens), 0) as change_pct
    from marts.rpt_revisions
    group by date
),

events as (
    select
        'launch' as kind,
        'model' as dimension,
        models.model_permaslug as entity,
        models.created_at::date as date,
        null::varchar as related_entity,
        null::double as own_size,
        case models.first_listed_date - models.created_at::date
            when 0 then 'first listed in the rankings on the same day'
            when 1 then 'first listed in the rankings on the next day'
            else 'first listed in the rankings ' || models.first_listed_date - models.created_at::date || ' days later'
        end as detail
    from marts.dim_model as models
    cross join loaded
    -- An entry of the catalogue that is younger than the listings stands for an older one.
    where models.created_at::date between loaded.first_date and least(loaded.last_date, models.first_listed_date)
    union all by name
    select
        'first_listing' as kind,
        'model' as dimension,
        first_listings.model_permaslug as entity,
        first_listings.date,
        'first listed, at rank ' || first_listings.rank || ', while no catalogue tells of a launch' as detail
    from first_listings
    left join priced_at_0 on first_listings.model_permaslug = priced_at_0.model_permaslug
    where
        first_listings.created_at is null
        and first_listings.variant <> 'free'
        and priced_at_0.model_permaslug is null
    union all by name
    select
        'top_10_entry' as kind,
        growth.dimension,
        growth.entity,
        min(growth.date) as date,
        arg_min(growth.rank, growth.date) as own_size,
        'first day in the top 10 since ' || any_value(loaded.first_date) || ', at rank '
        || arg_min(growth.rank, growth.date) as detail
    from marts.fct_token_growth_daily as growth
    cross join loaded
    where growth.dimension in ('model', 'author') and growth.rank <= 10
    group by growth.dimension, growth.entity
    having min(growth.date) > any_value(loaded.first_date)
    union all by name
    select
        'exit' as kind,
        'model' as dimension,
        model_permaslug as entity,
        date,
        'listed on ' || listed_days || ' days, the last of them ' || last_listed_date || ', at rank ' || last_rank
            as detail
    from intermediate.int_listing_ends
    where listed_days >= 7
    union all by name
    select
        'free_launch' as kind,
        'model' as dimension,
        first_listings.model_permaslug as entity,
        first_listings.date,
        if(first_listings.variant = 'free', 'free variant', 'model with a price of 0')
        || ' first listed, at rank ' || first_listings.rank as detail
    from first_listings
    left join priced_at_0 on first_listings.model_permaslug = priced_at_0.model_permaslug
    where first_listings.variant = 'free' or priced_at_0.model_permaslug is not null
    union all by name
    select
        'free_end' as kind,
        'model' as dimension,
        model_permaslug as entity,
        date,
        'free variant last listed on ' || last_listed_date || ', at rank ' || last_rank as detail
    from free_ends
    union all by name
    select
        'free_end' as kind,
        'model' as dimension,
        prices.model_permaslug as entity,
        prices.date,
        prices.price_change as detail
    from intermediate.int_model_prices as prices
    inner join marts.dim_model as models on prices.model_permaslug = models.model_permaslug
    where prices.was_free and not prices.is_free and models.variant <> 'free'
    union all by name
    select
        'free_to_paid' as kind,
        'model' as dimension,
        model_permaslug as entity,
        date,
        paid_permaslug as related_entity,
        'free variant gone, ' || paid_permaslug || ' listed since ' || paid_date as detail
    from hand_overs
    union all by name
    select
        'price_change' as kind,
        'model' as dimension,
        model_permaslug as entity,
        date,
        change_pct as own_size,
        price_change as detail
    from intermediate.int_model_prices
    where price_change is not null
    union all by name
    select
        'stealth_debut' as kind,
        'model' as dimension,
        model_permaslug as entity,
        date,
        'first listed, at rank ' || rank as detail
    from first_listings
    where author = 'stealth' or (author = 'openrouter' and regexp_matches(base_slug, '-(alpha|beta)$'))
    union all by name
    select
        'disappearance' as kind,
        'model' as dimension,
        prices.model_permaslug as entity,
        prices.missing_date as date,
        'in the catalogue until ' || prices.last_seen_date || ', in the rankings until ' || models.last_listed_date
            as detail
    from intermediate.int_model_prices as prices
    inner join marts.dim_model as models on prices.model_permaslug = models.model_permaslug
    where prices.is_last and prices.missing_date is not null
    union all by name
    select
        'restatement' as kind,
        'total' as dimension,
        'all' as entity,
        date,
        change_pct as own_size,
        'from ' || first_tokens || ' to ' || last_tokens || ' tokens in ' || vintages || ' vintages' as detail
    from restated_days
    where abs(change_pct) >= 0.1
),

weeks as (
    select
        event_dates.date,
        count(*) filter (where days.is_loaded and days.date < event_dates.date) = 7 as has_before,
        count(*) filter (where days.is_loaded and days.date >= event_dates.date) = 7 as has_after,
        coalesce(bool_or(days.is_provisional), false) as is_provisional
    from (select distinct events.date from events) as event_dates
    left join intermediate.int_days as days
        on days.date between event_dates.date - 7 and event_dates.date + 6
    group by event_dates.date
),

measured as (
    select
        dimension,
        entity,
        date
    from events
    union
    select
        dimension,
        related_entity as entity,
        date
    from events
    where related_entity is not null
),

listed as (
    select
        measured.dimension,
        measured.entity,
        measured.date,
        coalesce(sum(growth.total_tokens) filter (where growth.date < measured.date), 0)::bigint as tokens_before,
        coalesce(sum(growth.total_tokens) filter (where growth.date >= measured.date), 0)::bigint as tokens_after,
        count(growth.total_tokens) filter (where growth.date < measured.date) as days_before,
        count(growth.total_tokens) filter (where growth.date >= measured.date) as days_after
    from measured
    left join marts.fct_token_growth_daily as growth
        on
            measured.dimension = growth.dimension
            and measured.entity = growth.entity
            and growth.date between measured.date - 7 and measured.date + 6
    group by measured.dimension, measured.entity, measured.date
),

sized as (
    select
        events.kind,
        events.dimension,
        events.entity,
        events.date,
        events.related_entity,
        events.own_size,
        events.detail,
        weeks.is_provisional,
        case when weeks.has_before then own.tokens_before end as tokens_7d_before,
        case when weeks.has_after then coalesce(related.tokens_after, own.tokens_after) end as tokens_7d_after,
        case when weeks.has_before then own.days_before < 7 end as is_unlisted_before,
        case when weeks.has_after then coalesce(related.days_after, own.days_after) < 7 end as is_unlisted_after
    from events
    inner join weeks on events.date = weeks.date
    inner join listed as own
        on events.dimension = own.dimension and events.entity = own.entity and events.date = own.date
    left join listed as related
        on
            events.dimension = related.dimension
            and events.related_entity = related.entity
            and events.date = related.date
    where events.kind <> 'price_change' or own.days_before + own.days_after > 0
)

select
    date, -- UTC day of the event
    kind, -- what happened: one of the eleven kinds of the table's description
    dimension, -- model, author or total
    entity, -- the model or author; `all` for the total
    related_entity, -- the paid model of a free_to_paid, else null
    case
        when kind in ('top_10_entry', 'price_change', 'restatement') then own_size
        when kind = 'free_to_paid' then 100 * tokens_7d_after / nullif(tokens_7d_before, 0)
        when kind in ('exit', 'free_end', 'disappearance') then tokens_7d_before
        else tokens_7d_after
    end::double as size, -- how large the event is, by its kind; null where a day is not loaded, or not yet
    case
        when kind = 'top_10_entry' then 'rank'
        when kind in ('price_change', 'restatement', 'free_to_paid') then 'pct'
        else 'tokens'
    end as size_unit, -- tokens, pct or rank
    tokens_7d_before, -- tokens listed of the entity in the 7 days before; null unless all are loaded
    tokens_7d_after, -- the same in the 7 days from the day on; of a free_to_paid it is that of the paid model
    is_unlisted_before, -- on a day of the 7 before the entity is not listed, so that tokens_7d_before is a lower bound
    is_unlisted_after, -- on a day of tokens_7d_after its model is not listed, so that it is a lower bound
    detail, -- what happened, in words
    is_provisional -- a day of the two weeks may still be restated
from sized
