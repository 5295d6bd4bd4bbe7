-- Shares of all tokens by price class: paid models, those at price zero, free variants, those that no catalogue knows,
-- and what is not listed.
select
    date,
    case entity
        when 'free_variant' then 'free variant'
        when 'zero_price' then 'price zero'
        when 'unmatched' then 'no catalogue'
        when 'other' then 'not listed'
        else entity
    end as price_class,
    list_position(['paid', 'zero_price', 'free_variant', 'unmatched', 'other'], entity)::integer as position,
    share_pct,
    is_provisional
from marts.fct_token_growth_daily
where dimension = 'price_class' and total_tokens is not null
order by date, position
