-- Shares of all tokens by the length of the request.
select
    date,
    entity as context_bucket,
    list_position(['1K', '10K', '100K', '1M', '10M'], entity)::integer as position,
    share_pct,
    is_provisional
from marts.fct_token_growth_daily
where dimension = 'context_bucket' and entity <> 'other' and total_tokens is not null
order by date, position
