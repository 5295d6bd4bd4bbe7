-- Each entity's tokens on each calendar day of its series, with bounds where a model of it is below the cut-off:
-- such a model has at most the cut-off, all of them together have at most `other`.
-- grain: entity_id, day_number
-- check: low_tokens between 0 and high_tokens
with series as (
    select
        entity_id,
        dimension,
        is_complete,
        unnest(generate_series(first_day, last_day)) as day_number
    from intermediate.int_entities
),

listings as (
    select
        days.day_number,
        models.model_id,
        rankings.total_tokens
    from staging.stg_rankings_daily as rankings
    inner join intermediate.int_models as models on rankings.model_permaslug = models.model_permaslug
    inner join intermediate.int_days as days on rankings.date = days.date
),

members as (
    select
        entities.entity_id,
        members.model_id
    from intermediate.int_members as members
    inner join intermediate.int_entities as entities
        on members.dimension = entities.dimension and members.entity = entities.entity
),

listed as (
    select
        members.entity_id,
        listings.day_number,
        sum(listings.total_tokens)::bigint as total_tokens,
        count(*) as models
    from listings
    inner join members on listings.model_id = members.model_id
    group by members.entity_id, listings.day_number
),

-- Models of an author or a variant that the rankings have listed by a day, and more that its catalogue knows.
newly_listed as (
    select
        members.entity_id,
        days.day_number,
        count(*) as models
    from members
    inner join intermediate.int_models as models on members.model_id = models.model_id
    inner join intermediate.int_days as days on models.first_listed_date = days.date
    group by members.entity_id, days.day_number
),

unlisted_in_catalogue as (
    select
        days.day_number,
        known.author,
        known.variant
    from intermediate.int_catalogue_days as known
    inner join intermediate.int_days as days on known.date = days.date
    left join intermediate.int_models as models on known.model_permaslug = models.model_permaslug
    where coalesce(models.first_listed_date > known.date, true)
),

only_in_catalogue as (
    select
        entities.entity_id,
        unlisted.day_number,
        count(*) as models
    from (
        select
            day_number,
            'author' as dimension,
            author as entity
        from unlisted_in_catalogue
        union all
        select
            day_number,
            'variant' as dimension,
            variant as entity
        from unlisted_in_catalogue
    ) as unlisted
    inner join intermediate.int_entities as entities
        on unlisted.dimension = entities.dimension and unlisted.entity = entities.entity
    group by entities.entity_id, unlisted.day_number
),

known as (
    select
        series.entity_id,
        series.day_number,
        sum(coalesce(newly_listed.models, 0)) over (partition by series.entity_id order by series.day_number)
        + coalesce(only_in_catalogue.models, 0) as models
    from series
    left join newly_listed
        on series.entity_id = newly_listed.entity_id and series.day_number = newly_listed.day_number
    left join only_in_catalogue
        on series.entity_id = only_in_catalogue.entity_id and series.day_number = only_in_catalogue.day_number
    where series.dimension <> 'model' and not series.is_complete
),

daily as (
    select
        series.entity_id,
        series.day_number,
        series.is_complete,
        days.is_loaded,
        days.other_tokens,
        days.cutoff_tokens,
        case
            when not series.is_complete then listed.total_tokens
            when series.dimension = 'total' then days.total_tokens
            else days.other_tokens
        end as total_tokens,
        case
            when series.is_complete then 0
            when series.dimension = 'model' then if(listed.models is null, 1, 0)
            else known.models - coalesce(listed.models, 0)
        end as unlisted_models,
        series.dimension = 'model' or days.has_catalogue as is_membership_known
    from series
    inner join intermediate.int_days as days on series.day_number = days.day_number
    left join listed on series.entity_id = listed.entity_id and series.day_number = listed.day_number
    left join known on series.entity_id = known.entity_id and series.day_number = known.day_number
)

select
    entity_id, -- row of int_entities
    day_number, -- row of int_days
    total_tokens, -- what is listed of the entity; null where nothing is
    coalesce(total_tokens, 0) as low_tokens, -- lower bound: the unlisted models have none
    (
        coalesce(total_tokens, 0)
        + case
            when is_complete or not is_loaded then 0
            when is_membership_known then least(other_tokens, unlisted_models * cutoff_tokens)
            else other_tokens
        end
    )::bigint as high_tokens, -- upper bound; all of `other` where no catalogue tells the entity's models
    is_loaded and not is_complete and (total_tokens is null or unlisted_models > 0)
        as is_unlisted -- the entity, or a model of it known by then, is not listed; a day not loaded says nothing
from daily
