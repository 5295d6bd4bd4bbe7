-- What the listed apps leave of each day with app rankings: traffic without an app, of hidden apps, or below rank 200.
-- grain: date
-- check: cutoff_tokens >= 0
with listed as (
    select
        date,
        count(*)::integer as listed_apps,
        sum(total_tokens)::bigint as app_tokens,
        sum(total_requests)::bigint as app_requests,
        min(total_tokens) as cutoff_tokens
    from staging.stg_app_rankings_daily
    group by date
),

held as (
    select
        date,
        count(*) = 2 as is_whole,
        bool_or(is_provisional) as is_provisional
    from staging.stg_app_pages
    group by date
),

compared as (
    select
        listed.date,
        listed.listed_apps,
        listed.app_tokens,
        listed.app_requests,
        listed.cutoff_tokens,
        held.is_whole,
        days.total_tokens,
        case when held.is_whole then days.total_tokens - listed.app_tokens end as residual_tokens,
        held.is_provisional or coalesce(days.is_provisional, false) as is_provisional
    from listed
    inner join held on listed.date = held.date
    left join intermediate.int_days as days on listed.date = days.date
)

select
    date,
    listed_apps, -- apps that are listed, at most 200
    app_tokens, -- prompt and completion tokens of all of them
    app_requests, -- requests of all of them
    cutoff_tokens, -- tokens of the smallest listed app
    is_whole, -- both pages of the day are held
    total_tokens, -- tokens of all public traffic, `other` included; null where the day is not loaded
    residual_tokens, -- total_tokens less app_tokens; null where the total is not loaded or the list is not whole
    is_provisional -- the apps or the total may still be restated
from compared
