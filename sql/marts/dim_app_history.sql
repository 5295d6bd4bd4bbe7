-- The names of each app as history, dated by retrieval. A name that comes back is a version of its own.
-- grain: app_id, valid_from
-- check: valid_from < coalesce(valid_to, '9999-12-31'::date)
with seen as (
    select
        app_id,
        seen_date,
        app_name,
        lag(app_name) over (partition by app_id order by seen_date) as name_before
    from intermediate.int_app_names
)

select
    app_id,
    seen_date as valid_from, -- UTC day of retrieval on which the name was first seen, at all or after another one
    lead(seen_date) over (partition by app_id order by seen_date)
        as valid_to, -- UTC day of retrieval on which another name was first seen; null while it is current
    app_name
from seen
where app_name is distinct from name_before
