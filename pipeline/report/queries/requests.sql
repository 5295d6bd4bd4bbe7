-- Tokens of a request of all listed apps together, day by day.
select
    date,
    count(*) as apps,
    sum(total_tokens)::bigint as total_tokens,
    sum(total_requests)::bigint as total_requests,
    sum(total_tokens) / sum(total_requests) as tokens_per_request,
    bool_or(is_provisional) as is_provisional
from marts.fct_app_tokens_daily
group by date
having sum(total_requests) > 0
order by date
