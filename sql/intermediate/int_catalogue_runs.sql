-- Which models the whole catalogues know, in runs of days: on each day with a catalogue within a run the model is
-- known. A model launched later on a day is in the next catalogue only, and one that was removed during a day in the
-- one before: these count, too. An alias has no traffic of its own.
-- grain: model_permaslug, first_date
-- check: first_date <= last_date
with catalogue_days as (
    select
        date,
        row_number() over (order by date) as day_position,
        lag(date) over (order by date) as previous_date,
        lead(date) over (order by date) as next_date
    from staging.stg_models
    where is_whole
    group by date
),

listed as (
    select
        models.model_permaslug,
        catalogue_days.date,
        catalogue_days.day_position,
        catalogue_days.previous_date,
        catalogue_days.next_date,
        min(models.created_at)::date as created_date
    from staging.stg_models as models
    inner join catalogue_days on models.date = catalogue_days.date
    where models.is_whole and models.alias_target_slug is null
    group by all
),

known as (
    select
        model_permaslug,
        date,
        day_position
    from listed
    union
    select
        model_permaslug,
        previous_date as date,
        day_position - 1 as day_position
    from listed
    where created_date <= previous_date
    union
    select
        model_permaslug,
        next_date as date,
        day_position + 1 as day_position
    from listed
    where next_date is not null
),

numbered as (
    select
        model_permaslug,
        date,
        day_position - row_number() over (partition by model_permaslug order by day_position) as run
    from known
)

select
    model_permaslug,
    min(date) as first_date, -- first UTC day of the run
    max(date) as last_date -- last UTC day of the run that has a catalogue
from numbered
group by model_permaslug, run
