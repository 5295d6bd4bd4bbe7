-- Every model that was ever listed, under a short key.
-- grain: model_permaslug
-- check: first_listed_date <= last_listed_date
with ranked as (
    select
        model_permaslug,
        any_value(author) as author,
        any_value(variant) as variant,
        min(date) as first_listed_date,
        max(date) as last_listed_date
    from staging.stg_rankings_daily
    where model_permaslug <> 'other'
    group by model_permaslug
)

select
    (row_number() over (order by model_permaslug))::integer as model_id, -- short key
    model_permaslug, -- permanent slug with `:variant`
    author, -- namespace before the slash
    variant, -- after the colon, else `standard`
    first_listed_date, -- first day on which it is listed
    last_listed_date -- last day on which it is listed
from ranked
