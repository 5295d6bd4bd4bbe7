-- The ten largest apps of the newest day that has apps.
select
    rank,
    app_name,
    date,
    total_tokens,
    total_requests,
    tokens_per_request,
    share_pct,
    is_provisional
from marts.fct_app_tokens_daily
where rank <= 10
qualify date = max(date) over ()
order by rank
