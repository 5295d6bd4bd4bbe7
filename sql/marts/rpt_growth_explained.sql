-- The waterfall of the total's growth: what each entity of each dimension that parts all tokens added or took, over 7
-- and over 28 days that end on a day, against as many days before. The steps of a dimension add up to the whole change.
-- kind: view
-- grain: dimension, entity, date, window_days
with windows as (
    select
        dimension,
        entity,
        date,
        unnest([7, 28]) as window_days,
        unnest([tokens_7d_low, tokens_28d_low]) as tokens_after,
        unnest([delta_7d_tokens, delta_28d_tokens]) as change_tokens,
        unnest([contribution_7d_pp, contribution_28d_pp]) as contribution_pp,
        unnest([growth_7d_listed_pct, growth_28d_listed_pct]) as growth_listed_pct,
        unnest([growth_7d_low_pct, growth_28d_low_pct]) as growth_low_pct,
        unnest([growth_7d_high_pct, growth_28d_high_pct]) as growth_high_pct,
        unnest([is_growth_7d_provisional, is_growth_28d_provisional]) as is_provisional
    from marts.fct_token_growth_daily
)

select
    windows.dimension,
    windows.entity,
    windows.date,
    windows.window_days, -- 7 or 28
    windows.tokens_after - windows.change_tokens as tokens_before, -- what is listed of it in the window before
    windows.tokens_after, -- what is listed of it in the window
    windows.change_tokens, -- what it added to the total, or took
    windows.contribution_pp, -- the same in points of the total's growth
    100 * windows.change_tokens / nullif(total.change_tokens, 0)
        as share_of_change_pct, -- of the total's change; null where that is zero
    windows.growth_listed_pct, -- growth of what is listed of it
    windows.growth_low_pct, -- growth of all of it, at least
    windows.growth_high_pct, -- at most; null where unbounded
    windows.is_provisional -- a day of the two windows may still be restated
from windows
inner join windows as total
    on
        total.dimension = 'total'
        and windows.date = total.date
        and windows.window_days = total.window_days
inner join marts.dim_dimension as dimensions on windows.dimension = dimensions.dimension
where dimensions.is_partition and windows.dimension <> 'total' and windows.contribution_pp is not null
