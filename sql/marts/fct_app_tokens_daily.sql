-- Tokens and requests of each listed app on each day, current vintage. Ranks 1 to 200 are visible, and apps opt in to
-- be shown, so that the listed ones are not all.
-- grain: date, app_id
-- check: rank between 1 and 200
-- check: total_tokens >= 0 and total_requests >= 0
-- check: share_pct >= 0
select
    rankings.date,
    rankings.app_id,
    rankings.app_name, -- display name at retrieval; see dim_app for the newest
    rankings.rank, -- published rank, by tokens
    rankings.total_tokens, -- prompt and completion tokens of the app
    rankings.total_requests, -- requests of the app
    rankings.total_tokens::double / nullif(rankings.total_requests, 0)
        as tokens_per_request, -- mean length of a request; null without requests
    100 * rankings.total_tokens::double / nullif(days.total_tokens, 0)
        as share_pct, -- of all tokens of the day; null where these are not loaded
    rankings.is_provisional,
    rankings.as_of
from staging.stg_app_rankings_daily as rankings
left join intermediate.int_days as days on rankings.date = days.date
