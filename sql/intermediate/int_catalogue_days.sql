-- The models that a day's whole catalogue knows, for each day on which one was fetched. A model launched later
-- that day is in the next catalogue only, so that one counts too, for models created by the day's end.
-- grain: date, model_permaslug
with catalogue_days as (
    select
        date,
        lead(date) over (order by date) as next_date
    from staging.stg_models
    where is_whole
    group by date
),

known as (
    select
        catalogue_days.date,
        models.model_permaslug,
        models.author,
        models.variant
    from catalogue_days
    inner join staging.stg_models as models on catalogue_days.date = models.date and models.is_whole
    union
    select
        catalogue_days.date,
        models.model_permaslug,
        models.author,
        models.variant
    from catalogue_days
    inner join staging.stg_models as models on catalogue_days.next_date = models.date and models.is_whole
    where models.created_at::date <= catalogue_days.date
)

select
    date, -- UTC day
    model_permaslug, -- slug of the rankings
    author, -- namespace before the slash
    variant -- after the colon
from known
