-- What all listed traffic cost on each day at list prices, and which part of the day's tokens has a price. Models below
-- rank 50 and those without a price are not in the sums: these are of the priced tokens, not of all.
-- kind: view
-- grain: date
-- check: other_tokens >= 0
-- check: spend_low_usd <= spend_mid_usd and spend_mid_usd <= spend_high_usd
select
    days.date,
    any_value(days.total_tokens) as total_tokens, -- tokens of all public traffic, `other` included
    coalesce(sum(spend.total_tokens) filter (where spend.spend_mid_usd is not null), 0)::bigint
        as priced_tokens, -- tokens of listed models with a price, 0 included
    coalesce(sum(spend.total_tokens) filter (where spend.mid_usd_per_million = 0), 0)::bigint
        as free_tokens, -- of these, tokens whose price is 0
    coalesce(sum(spend.total_tokens) filter (where spend.is_price_assumed), 0)::bigint
        as assumed_tokens, -- of the priced tokens, those whose price is assumed
    coalesce(sum(spend.total_tokens) filter (where spend.spend_mid_usd is null), 0)::bigint
        as unpriced_tokens, -- tokens of listed models without a price
    (any_value(days.total_tokens) - coalesce(sum(spend.total_tokens), 0))::bigint
        as other_tokens, -- tokens below rank 50; 0 where the source lists no `other`
    100 * coalesce(sum(spend.total_tokens) filter (where spend.spend_mid_usd is not null), 0)::double
    / nullif(any_value(days.total_tokens), 0) as priced_pct, -- priced tokens of all tokens of the day
    sum(spend.spend_low_usd::decimal(28, 6))::double as spend_low_usd, -- cost of the priced tokens, low
    sum(spend.spend_mid_usd::decimal(28, 6))::double as spend_mid_usd, -- cost of the priced tokens by the assumed mix
    sum(spend.spend_high_usd::decimal(28, 6))::double as spend_high_usd, -- cost of the priced tokens, high
    coalesce(bool_or(spend.is_price_assumed), false) as is_price_assumed, -- the price of a part of them is assumed
    any_value(days.is_provisional) as is_provisional -- as_of is on the day after, or before: a restatement is likely
from marts.dim_date as days
left join marts.fct_spend_daily as spend on days.date = spend.date
where days.is_loaded
group by days.date
