-- The name of each app on each day on which an answer showed one, out of all vintages. OpenRouter serves every day with
-- the names of today, so that a name is dated by its retrieval. On one day, what the pipeline fetched wins over what
-- was imported, then the later answer counts.
-- grain: app_id, seen_date
with answers as (
    select
        app_id,
        app_name,
        as_of::date as seen_date,
        fetched_at,
        load_id
    from raw.app_rankings_daily
    union all
    select
        app_id,
        app_name,
        fetched_at::date as seen_date,
        fetched_at,
        load_id
    from raw.app_categories
    union all
    select
        app_id,
        app_name,
        fetched_at::date as seen_date,
        fetched_at,
        load_id
    from raw.app_trending
)

select
    answers.app_id,
    answers.seen_date, -- UTC day of retrieval
    arg_max(answers.app_name, (loads.origin is null, answers.fetched_at, answers.load_id))
        as app_name -- display name
from answers
inner join meta.loads as loads on answers.load_id = loads.load_id
group by answers.app_id, answers.seen_date
