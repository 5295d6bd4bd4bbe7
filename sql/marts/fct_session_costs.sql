-- What a session costs, by app, model and number of turns: medians over a trailing window that moves once a week, so
-- that rows of neighbouring days mostly repeat.
-- grain: date, app_slug, model_permaslug, turn_range
-- check: window_start_date <= window_end_date
-- check: median_session_cost_usd >= 0
select
    date, -- UTC day of retrieval
    app_slug, -- OpenRouter's name of the app in addresses
    app_name, -- display name of the app
    model_permaslug, -- slug of the rankings, with `:variant`
    turn_range, -- turns of the session: 1-turn, 2-9-turns, 10-49-turns or 50-plus-turns
    median_session_cost_usd, -- median cost of a session
    window_start_date, -- first UTC day of the window; null where it is not stated
    window_end_date -- last UTC day of the window; null where it is not stated
from staging.stg_session_costs
