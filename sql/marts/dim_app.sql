-- Every app that any answer named, under its newest name. An app keeps its number when its name changes, and two apps
-- may bear one name: join by number.
-- grain: app_id
-- check: first_seen_date <= last_seen_date
-- check: subcategory is null or category is not null
with names as (
    select
        app_id,
        app_name,
        min(seen_date) as first_seen_date
    from intermediate.int_app_names
    group by app_id, app_name
),

earlier as (
    select
        names.app_id,
        list(names.app_name order by names.first_seen_date) as earlier_names
    from names
    inner join intermediate.int_apps as apps on names.app_id = apps.app_id and names.app_name <> apps.app_name
    group by names.app_id
),

places as (
    select
        app_id,
        category,
        subcategory
    from intermediate.int_app_places
    qualify row_number() over (partition by app_id order by date desc) = 1
)

select
    apps.app_id,
    apps.app_name, -- newest display name
    coalesce(earlier.earlier_names, [])::varchar[]
        as earlier_names, -- other names that it bore, in the order of their appearance
    places.category, -- by the newest lists of categories with it; null where it is in none
    places.subcategory, -- by the same lists; null where it is in none
    apps.first_seen_date,
    apps.last_seen_date,
    apps.is_name_shared
from intermediate.int_apps as apps
left join earlier on apps.app_id = earlier.app_id
left join places on apps.app_id = places.app_id
