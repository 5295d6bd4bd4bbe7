-- Every app that any answer named, under its newest name. Two apps may bear one name: then the number tells them apart,
-- and also where a name looks as if it had one, or is `other`.
-- grain: app_id
with apps as (
    select
        app_id,
        arg_max(app_name, seen_date) as app_name,
        min(seen_date) as first_seen_date,
        max(seen_date) as last_seen_date
    from intermediate.int_app_names
    group by app_id
),

marked as (
    select
        *,
        count(*) over (partition by app_name) > 1 as is_name_shared
    from apps
)

select
    app_id,
    app_name, -- newest display name
    if(is_name_shared or regexp_matches(app_name, '^other$|\(\d+\)$'), app_name || ' (' || app_id || ')', app_name)
        as entity, -- the name, with the number where it alone would not do
    first_seen_date, -- UTC day of retrieval of the first answer with it
    last_seen_date, -- UTC day of retrieval of the last answer with it
    is_name_shared -- another app bears the same name now
from marked
