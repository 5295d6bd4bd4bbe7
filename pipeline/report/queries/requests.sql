-- Tokens of a request of all listed apps together: of each day, and of the seven days until it where all are loaded.
with days as (
    select
        date,
        count(*) as apps,
        sum(total_tokens)::bigint as total_tokens,
        sum(total_requests)::bigint as total_requests,
        bool_or(is_provisional) as is_provisional
    from marts.fct_app_tokens_daily
    group by date
    having sum(total_requests) > 0
)

select
    date,
    apps,
    total_tokens,
    total_requests,
    total_tokens / total_requests as tokens_per_request,
    if(count(*) over week = 7, sum(total_tokens) over week / sum(total_requests) over week, null)
        as tokens_per_request_7d,
    is_provisional
from days
window week as (order by date asc range between interval 6 days preceding and current row)
order by date
