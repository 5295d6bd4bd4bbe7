-- Every page of session costs as it was received, one row an app, model and number of turns.
-- kind: ledger
select
    null::varchar as page, -- which page of the list, from 1
    null::varchar as app_name, -- display name of the app
    null::varchar as app_slug, -- OpenRouter's name of the app in addresses
    null::varchar as model_permaslug, -- slug of the rankings
    null::varchar as turn_range, -- turns of the session: 1-turn, 2-9-turns, 10-49-turns or 50-plus-turns
    null::double as median_session_cost_usd, -- median cost of a session
    null::bigint as window_days, -- length of the trailing window; null where it is not stated
    null::date as window_end_date, -- UTC day with which it ends; null where it is not stated
    null::timestamp as as_of, -- instant (UTC) as of which OpenRouter states the costs
    null::timestamp as fetched_at, -- instant (UTC) at which the pipeline received it
    null::varchar as load_id, -- row of meta.loads, and of the archive's manifest
    null::varchar as source -- session-costs
where false
