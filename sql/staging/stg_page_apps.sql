-- What each rankings page says of applications; of two readings of the same page and window the pipeline's own counts,
-- then the newest.
-- grain: captured_at, ranking_window, app_id
select
    apps.captured_at,
    apps.ranking_window, -- trailing window: day, week or month
    apps.rank,
    apps.app_id,
    apps.app_name,
    apps.total_tokens,
    apps.total_requests
from raw.page_apps as apps
inner join meta.loads as loads on apps.load_id = loads.load_id
qualify
    apps.load_id = first_value(apps.load_id) over (
        partition by apps.captured_at, apps.ranking_window
        order by loads.origin is null desc, apps.fetched_at desc, apps.load_id desc
    )
