-- What a session costs, by app, model and number of turns: medians over a trailing window that moves once a week, so
-- that rows of neighbouring days mostly repeat.
-- grain: date, app_slug, model_permaslug, turn_range
-- check: window_start_date <= window_end_date
-- check: median_session_cost_usd >= 0
select
    date,
    app_slug,
    app_name,
    model_permaslug,
    turn_range,
    median_session_cost_usd,
    window_start_date,
    window_end_date
from staging.stg_session_costs
