-- The category of each app on each day on which the lists were read. Of several places a subcategory tells more than a
-- category, and then the one with most use.
-- grain: app_id, date
-- check: subcategory is null or category is not null
select
    app_id,
    date,
    category,
    case when is_subcategory then part end as subcategory -- null where it is in none
from staging.stg_app_categories
qualify row_number() over (
    partition by app_id, date
    order by is_subcategory desc, total_tokens desc, rank asc, part asc
) = 1
