-- What the saved rankings pages say of the listed applications: totals of the last 1, 7 and 30 complete days before a
-- page was saved. Applications that OpenRouter hides are not listed, so that the listed ones are no top list.
-- grain: capture_date, captured_at, ranking_window, app_id
-- check: total_tokens >= 0
select
    captures.capture_date, -- UTC day on which the page was saved
    apps.captured_at,
    apps.ranking_window,
    case apps.ranking_window
        when 'day' then captures.window_end_date
        when 'week' then captures.window_end_date - 6
        when 'month' then captures.window_end_date - 29
    end as window_start_date, -- first UTC day of the window
    captures.window_end_date, -- last UTC day of the window
    apps.app_id,
    apps.app_name, -- display name at that time
    apps.rank,
    apps.total_tokens,
    apps.total_requests
from staging.stg_page_apps as apps
inner join staging.stg_page_captures as captures on apps.captured_at = captures.captured_at
