-- What happened to list prices, apart from what happened to the mix of models. A link compares a loaded day with the
-- loaded day before it, across a gap if there is one, by the models that are listed on both with a known price on both,
-- at the blended prices of fct_spend_daily. Laspeyres weighs the prices with the tokens of the day before, Paasche with
-- those of the day, Fisher is their geometric mean; Törnqvist weighs relative changes with mean shares of value, and
-- leaves out what is free on either day. Indexes are the product of the links since base_date, when they are 100; a day
-- that shares no model with a price above 0 with the day before begins anew. A chain may drift where prices fall and
-- rise again. New and leaving models are in no link: they are in the unit value, which is spend per million priced
-- tokens, and so in the mix effect. Before the first catalogue prices are assumed: unit values are shown, indexes are
-- not, because they would say that prices stayed.
-- grain: date
-- check: fisher_ratio >= least(laspeyres_ratio, paasche_ratio) * (1 - 1e-12)
-- check: fisher_ratio <= greatest(laspeyres_ratio, paasche_ratio) * (1 + 1e-12)
-- check: fisher_index > 0 and tornqvist_index > 0
-- check: (fisher_index is null) = (base_date is null) and (tornqvist_index is null) = (base_date is null)
-- check: abs(unit_value_usd_per_million * priced_tokens / 1e6 - spend_mid_usd) <= 1e-9 * spend_mid_usd + 1e-6
with days as (
    select
        date,
        lag(date) over (order by date) as previous_date
    from intermediate.int_days
    where is_loaded
),

known as (
    select
        date,
        model_permaslug,
        total_tokens as tokens,
        mid_usd_per_million::decimal(19, 9) as price
    from marts.fct_spend_daily
    where not is_price_assumed
),

matched as (
    select
        later.date,
        later.tokens,
        earlier.price <> later.price as is_changed,
        earlier.price > 0 and later.price > 0 as is_in_logs,
        earlier.tokens * earlier.price as value_before,
        later.tokens * later.price as value_after,
        earlier.tokens * later.price as value_before_at_prices_after,
        later.tokens * earlier.price as value_after_at_prices_before,
        ln(nullif(later.price, 0)::double / nullif(earlier.price, 0)::double) as log_relative
    from known as later
    inner join days on later.date = days.date
    inner join known as earlier
        on days.previous_date = earlier.date and later.model_permaslug = earlier.model_permaslug
),

shares as (
    select
        *,
        if(is_in_logs, value_before::double / sum(value_before) over goods::double, null) as share_before,
        if(is_in_logs, value_after::double / sum(value_after) over goods::double, null) as share_after
    from matched
    window goods as (partition by date, is_in_logs)
),

-- A term with a logarithm is rounded before it is summed, so that the sum does not depend on the order.
links as (
    select
        date,
        count(*)::integer as matched_models,
        count(*) filter (where is_changed)::integer as changed_models,
        sum(tokens)::bigint as matched_tokens,
        sum(value_before_at_prices_after)::double / sum(value_before)::double as laspeyres_ratio,
        sum(value_after)::double / sum(value_after_at_prices_before)::double as paasche_ratio,
        exp(sum(((share_before + share_after) / 2 * log_relative)::decimal(18, 15))::double) as tornqvist_ratio,
        100 * coalesce(sum(tokens) filter (where not is_in_logs), 0)::double / sum(tokens)::double as left_out_pct,
        50 * coalesce(sum(value_before) filter (where not is_in_logs), 0)::double / sum(value_before)::double
        + 50 * coalesce(sum(value_after) filter (where not is_in_logs), 0)::double / sum(value_after)::double
            as left_out_value_pct
    from shares
    group by date
    having bool_or(is_in_logs)
),

paid as (
    select
        date,
        sum(total_tokens)::bigint as paid_tokens,
        coalesce(bool_or(not is_price_assumed), false) as has_known_price
    from marts.fct_spend_daily
    where mid_usd_per_million > 0
    group by date
),

valued as (
    select
        total.date,
        total.priced_tokens,
        total.priced_pct,
        total.spend_mid_usd,
        total.is_price_assumed,
        total.is_provisional,
        1e6 * total.spend_mid_usd / nullif(total.priced_tokens, 0) as unit_value_usd_per_million,
        1e6 * total.spend_mid_usd / paid.paid_tokens as paid_unit_value_usd_per_million,
        100 * links.matched_tokens::double / nullif(total.total_tokens, 0) as matched_pct,
        if(links.date is null, null, days.previous_date) as previous_date,
        links.matched_models,
        links.changed_models,
        links.laspeyres_ratio,
        links.paasche_ratio,
        links.tornqvist_ratio,
        links.left_out_pct,
        links.left_out_value_pct,
        sqrt(links.laspeyres_ratio * links.paasche_ratio) as fisher_ratio,
        coalesce(paid.has_known_price, false) as has_known_price,
        sum((links.date is null)::integer) over (order by total.date) as chain
    from marts.spend_total as total
    inner join days on total.date = days.date
    left join paid on total.date = paid.date
    left join links on total.date = links.date
),

chained as (
    select
        *,
        if(has_known_price, min(date) over whole_chain, null) as base_date,
        unit_value_usd_per_million / first_value(unit_value_usd_per_million) over to_date as unit_value_since_base,
        exp(coalesce(sum(ln(fisher_ratio)::decimal(18, 15)) over to_date, 0)::double) as fisher_since_base,
        exp(coalesce(sum(ln(tornqvist_ratio)::decimal(18, 15)) over to_date, 0)::double) as tornqvist_since_base
    from valued
    window
        whole_chain as (partition by chain),
        to_date as (partition by chain order by date)
)

select
    date,
    base_date, -- UTC day on which the indexes are 100; null without a known price above 0
    if(base_date is null, null, 100 * fisher_since_base) as fisher_index, -- chained Fisher price index
    if(base_date is null, null, 100 * tornqvist_since_base) as tornqvist_index, -- chained Törnqvist price index
    if(base_date is null, null, 100 * unit_value_since_base) as unit_value_index, -- unit value, base_date is 100
    if(base_date is null, null, 100 * (unit_value_since_base / fisher_since_base - 1))
        as mix_effect_pct, -- change of the unit value since base_date that is not due to prices: other models, new ones
    unit_value_usd_per_million, -- spend_mid_usd per million priced tokens, the free ones among them
    paid_unit_value_usd_per_million, -- the same per million tokens with a price above 0
    spend_mid_usd, -- cost of the priced tokens by the assumed mix
    priced_tokens,
    priced_pct,
    previous_date, -- the loaded day before, with which the link compares; null without a link
    laspeyres_ratio, -- prices of the day to those of previous_date, weighed with the tokens of previous_date
    paasche_ratio, -- the same, weighed with the tokens of the day
    fisher_ratio, -- geometric mean of the two: the link of fisher_index
    tornqvist_ratio, -- the link of tornqvist_index
    matched_models, -- models in the link
    changed_models, -- of these, those whose price changed
    matched_pct, -- tokens of the models in the link, of all tokens of the day
    left_out_pct, -- of the tokens in the link, those that Törnqvist leaves out because they are free on either day
    left_out_value_pct, -- of the value in the link, the same; mean of both days
    is_price_assumed, -- the price of a part of the priced tokens is assumed
    is_provisional -- as_of is on the day after, or before: a restatement is likely
from chained
