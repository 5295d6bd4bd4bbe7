-- Why the tokens of each listed app changed over 7 and 28 days against as many days before, where every day of both
-- windows is held whole: requests times mix times tokens a request, by the additive LMDI-I (Ang 2005, Energy Policy
-- 33:867-871, doi 10.1016/j.enpol.2003.10.010). Apps that are listed in both windows are compared with each other: all
-- of them together make more or fewer requests (requests), an app has another share of these (mix), and its requests
-- are longer or shorter (intensity). A factor that is zero in one window takes all of the change, the analytical limit
-- (Wood and Lenzen 2006, Energy Policy 34:1326-1331). An app that is listed in one window only is not zero in the
-- other: it is below rank 200, or hides itself. What it brings or takes is of the list, and moves no other effect.
-- The mean tokens of a request of all listed apps are taken apart, too, by Bennet's symmetric weights (1920): within an
-- app, and by mix, where a share counts by the distance of its requests from the mean (Griliches and Regev 1995); an
-- app of one window only counts against those of both (Melitz and Polanec 2015). What an app without requests in a
-- window changes is mix: it has no tokens a request there.
-- grain: app_id, date, window_days
-- check: tokens_after - tokens_before = change_tokens
-- check: requests_effect_tokens + mix_effect_tokens + intensity_effect_tokens + listing_effect_tokens = change_tokens
-- check: listing_effect_tokens = if(is_only_before or is_only_after, change_tokens, 0)
-- check: not (is_only_before and is_only_after)
with held as (
    select
        date,
        count(*) filter (where is_whole) over two_weeks = 14 as has_two_weeks,
        count(*) filter (where is_whole) over eight_weeks = 56 as has_eight_weeks,
        bool_or(is_provisional) over two_weeks as is_provisional_14d,
        bool_or(is_provisional) over eight_weeks as is_provisional_56d
    from intermediate.int_app_days
    window
        two_weeks as (order by date range between interval 13 days preceding and current row),
        eight_weeks as (order by date range between interval 55 days preceding and current row)
),

lengths as (
    select unnest([7, 28]) as window_days
),

windows as (
    select
        date,
        unnest([7, 28]) as window_days,
        unnest([has_two_weeks, has_eight_weeks]) as is_whole,
        unnest([is_provisional_14d, is_provisional_56d]) as is_provisional
    from held
),

-- From the first listing of an app until it has left all windows, so that rows back are days back.
series as (
    select
        app_id,
        unnest(generate_series(
            min(date), least(max(date) + 55, (select max(held.date) from held)), interval 1 day
        ))::date as date
    from staging.stg_app_rankings_daily
    group by app_id
),

cumulative as (
    select
        series.app_id,
        series.date,
        sum(listed.total_tokens) over to_date::bigint as tokens_to_date,
        sum(listed.total_requests) over to_date::bigint as requests_to_date,
        count(listed.date) over to_date as listed_to_date
    from series
    left join staging.stg_app_rankings_daily as listed
        on series.app_id = listed.app_id and series.date = listed.date
    window to_date as (partition by series.app_id order by series.date)
),

-- What is counted to the start of a window is counted to the end of the one before it.
reached as (
    select
        cumulative.*,
        lengths.window_days,
        lag(cumulative.tokens_to_date, lengths.window_days, 0) over back as tokens_to_start,
        lag(cumulative.tokens_to_date, 2 * lengths.window_days, 0) over back as tokens_to_start_before,
        lag(cumulative.requests_to_date, lengths.window_days, 0) over back as requests_to_start,
        lag(cumulative.requests_to_date, 2 * lengths.window_days, 0) over back as requests_to_start_before,
        lag(cumulative.listed_to_date, lengths.window_days, 0) over back as listed_to_start,
        lag(cumulative.listed_to_date, 2 * lengths.window_days, 0) over back as listed_to_start_before
    from cumulative
    cross join lengths
    window back as (partition by cumulative.app_id, lengths.window_days order by cumulative.date)
),

compared as (
    select
        reached.app_id,
        windows.date,
        windows.window_days,
        windows.is_provisional,
        reached.tokens_to_start - reached.tokens_to_start_before as tokens_before,
        reached.tokens_to_date - reached.tokens_to_start as tokens_after,
        reached.requests_to_start - reached.requests_to_start_before as requests_before,
        reached.requests_to_date - reached.requests_to_start as requests_after,
        reached.listed_to_date = reached.listed_to_start as is_only_before,
        reached.listed_to_start = reached.listed_to_start_before as is_only_after,
        not is_only_before and not is_only_after as is_in_both,
        reached.listed_to_date - reached.listed_to_start_before < 2 * reached.window_days as is_censored
    from reached
    inner join windows on reached.date = windows.date and reached.window_days = windows.window_days
    where windows.is_whole and reached.listed_to_date > reached.listed_to_start_before
),

-- All listed apps of each window, and those of them that are listed in both.
wholes as (
    select
        date,
        window_days,
        sum(requests_before)::bigint as all_requests_before,
        sum(requests_after)::bigint as all_requests_after,
        sum(requests_before) filter (where is_in_both)::bigint as both_requests_before,
        sum(requests_after) filter (where is_in_both)::bigint as both_requests_after,
        sum(tokens_before) filter (where is_in_both)::double / nullif(both_requests_before, 0) as both_mean_before,
        sum(tokens_after) filter (where is_in_both)::double / nullif(both_requests_after, 0) as both_mean_after
    from compared
    group by date, window_days
),

-- The logarithmic mean is zero where one side is. Of two sides that are near each other the quotient would lose its
-- digits; half their sum differs from it by less than 1e-13 there.
rated as (
    select
        compared.*,
        wholes.all_requests_before,
        wholes.all_requests_after,
        wholes.both_requests_before,
        wholes.both_requests_after,
        wholes.both_mean_before,
        wholes.both_mean_after,
        compared.tokens_after - compared.tokens_before as change_tokens,
        compared.tokens_before / nullif(compared.requests_before, 0) as tokens_per_request_before,
        compared.tokens_after / nullif(compared.requests_after, 0) as tokens_per_request,
        compared.requests_before / nullif(wholes.both_requests_before, 0) as share_before,
        compared.requests_after / nullif(wholes.both_requests_after, 0) as share_after,
        case
            when least(compared.tokens_before, compared.tokens_after) = 0 then 0
            when abs(compared.tokens_after - compared.tokens_before) <= 1e-6 * compared.tokens_before
                then (compared.tokens_before + compared.tokens_after) / 2
            else
                (compared.tokens_after - compared.tokens_before) / ln(compared.tokens_after / compared.tokens_before)
        end as mean_tokens
    from compared
    inner join wholes on compared.date = wholes.date and compared.window_days = wholes.window_days
),

-- What an app has of the mean is its tokens by all requests: within and mix follow also where it has no requests.
explained as (
    select
        *,
        coalesce(round(mean_tokens * ln(nullif(both_requests_after, 0) / nullif(both_requests_before, 0))), 0)::bigint
            as requests_effect_tokens,
        case
            when tokens_per_request is null or tokens_per_request_before is null then 0
            when mean_tokens = 0 then change_tokens
            else round(mean_tokens * ln(tokens_per_request / tokens_per_request_before))
        end::bigint as intensity_effect_tokens,
        if(is_in_both, 0, change_tokens) as listing_effect_tokens,
        if(
            is_in_both,
            coalesce((share_before + share_after) / 2 * (tokens_per_request - tokens_per_request_before), 0),
            0
        ) as within_tokens_per_request,
        if(
            is_in_both,
            tokens_after / nullif(both_requests_after, 0) - tokens_before / nullif(both_requests_before, 0)
            - (share_after - share_before) * (both_mean_before + both_mean_after) / 2,
            0
        ) as own_tokens_per_request,
        case
            when is_in_both then 0
            when is_only_after then (tokens_after - requests_after * both_mean_after) / nullif(all_requests_after, 0)
            else (requests_before * both_mean_before - tokens_before) / nullif(all_requests_before, 0)
        end as listing_tokens_per_request
    from rated
)

select
    explained.app_id,
    apps.app_name,
    explained.date, -- UTC day on which the window ends
    explained.window_days, -- 7 or 28
    explained.tokens_before, -- what is listed of it in the window before
    explained.tokens_after, -- what is listed of it in the window
    explained.change_tokens, -- tokens_after less tokens_before; the four effects add up to it
    explained.requests_effect_tokens, -- as all apps of both windows together have more or fewer requests
    (
        explained.change_tokens - explained.requests_effect_tokens - explained.intensity_effect_tokens
        - explained.listing_effect_tokens
    )::bigint as mix_effect_tokens, -- as it has another share of these requests, and what the others are rounded by
    explained.intensity_effect_tokens, -- as its requests have more or fewer tokens
    explained.listing_effect_tokens, -- all of the change where it is listed in one window only, which is no behaviour
    explained.requests_before, -- its requests in the window before
    explained.requests_after, -- its requests in the window
    explained.tokens_per_request_before, -- mean of the window before; null without requests
    explained.tokens_per_request, -- mean of the window; null without requests
    100 * (explained.tokens_per_request / nullif(explained.tokens_per_request_before, 0) - 1)
        as tokens_per_request_growth_pct, -- the one against the other: a proxy of how contexts grow
    explained.within_tokens_per_request, -- what it adds to the mean of all apps by the length of its requests
    explained.own_tokens_per_request - explained.within_tokens_per_request
        as mix_tokens_per_request, -- what it adds by its share of requests; null where all apps of both have none
    explained.listing_tokens_per_request, -- what it adds as it is listed in one window only
    explained.is_only_before, -- not listed in the window: below rank 200, or hidden
    explained.is_only_after, -- not listed in the window before: below rank 200, or hidden
    explained.is_censored, -- not listed on some day of the two windows, which adds to the change or takes from it
    explained.is_provisional -- a day of the two windows may still be restated
from explained
inner join intermediate.int_apps as apps on explained.app_id = apps.app_id
