-- The decomposition starts from the tokens and requests of all listed apps in the window before and ends at those of
-- the window, and what adds to the mean tokens of a request adds up to its change.
with held as (
    select
        date,
        sum(app_tokens) over (order by date range between interval 6 days preceding and current row) as tokens_7d,
        sum(app_tokens) over (order by date range between interval 27 days preceding and current row) as tokens_28d,
        sum(app_requests) over (order by date range between interval 6 days preceding and current row) as requests_7d,
        sum(app_requests) over (order by date range between interval 27 days preceding and current row)
            as requests_28d
    from marts.fct_app_residual_daily
)

select
    explained.date,
    explained.window_days,
    explained.tokens_before,
    explained.tokens_after,
    explained.requests_before,
    explained.requests_after,
    explained.tokens_per_request - explained.tokens_per_request_before as tokens_per_request_change,
    explained.within_tokens_per_request,
    explained.mix_tokens_per_request,
    explained.listing_tokens_per_request
from marts.rpt_app_growth_explained as explained
inner join held on explained.date = held.date
inner join held as earlier on earlier.date = explained.date - explained.window_days::integer
where
    explained.tokens_after <> if(explained.window_days = 7, held.tokens_7d, held.tokens_28d)
    or explained.tokens_before <> if(explained.window_days = 7, earlier.tokens_7d, earlier.tokens_28d)
    or explained.requests_after <> if(explained.window_days = 7, held.requests_7d, held.requests_28d)
    or explained.requests_before <> if(explained.window_days = 7, earlier.requests_7d, earlier.requests_28d)
    or abs(
        explained.tokens_per_request - explained.tokens_per_request_before - explained.within_tokens_per_request
        - explained.mix_tokens_per_request - explained.listing_tokens_per_request
    ) > 1e-8 + 1e-9 * (
        explained.tokens_per_request + explained.tokens_per_request_before + abs(explained.within_tokens_per_request)
    )
