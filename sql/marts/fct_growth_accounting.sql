-- Where the change of a window came from: what stayed, grew, shrank, came, came back and left, over 7 and 28 days
-- against as many days before. An entity that is not listed in one of the windows may have been there below the
-- cut-off: only what exceeds its bound counts as come or gone, the rest crossed the threshold. One whose launch within
-- the window is known was not there before. An app that hides itself cannot be told from one that left. In classes of
-- models, such as price_class, the class is the entity: a model that changes its class is a loss of the one and a gain
-- of the other. After Hsu's growth accounting (Social Capital, 2015), with two more parts, threshold and tail.
-- grain: dimension, date, window_days
-- check: tokens_after - tokens_before = change_tokens
-- check: retained_tokens >= 0 and expansion_tokens >= 0 and contraction_tokens >= 0
-- check: new_tokens >= 0 and resurrected_tokens >= 0 and churned_tokens >= 0
-- check: threshold_in_tokens >= 0 and threshold_out_tokens >= 0
-- check: quick_ratio >= 0
with launches as (
    select
        entities.entity_id,
        (matches.created_date - first.date)::integer as launch_day
    from intermediate.int_entities as entities
    inner join intermediate.int_model_matches as matches on entities.entity = matches.model_permaslug
    inner join intermediate.int_days as first on first.day_number = 0
    where entities.dimension = 'model'
),

windows as (
    select
        entity_id,
        day_number,
        unnest([7, 28]) as window_days,
        unnest([low_7d_before, low_28d_before]) as tokens_before,
        unnest([high_7d_before, high_28d_before]) as most_before,
        unnest([low_7d, low_28d]) as tokens_after,
        unnest([high_7d, high_28d]) as most_after
    from intermediate.int_entity_windows
),

compared as (
    select
        entities.dimension,
        days.date,
        windows.window_days,
        entities.is_complete,
        windows.tokens_before,
        windows.tokens_after,
        windows.most_before,
        windows.most_after,
        if(windows.window_days = 7, days.is_provisional_14d, days.is_provisional_56d) as is_provisional,
        entities.first_listed_day > windows.day_number - windows.window_days as is_first_listed,
        coalesce(launches.launch_day > windows.day_number - windows.window_days, false) as is_launched
    from windows
    inner join intermediate.int_entities as entities on windows.entity_id = entities.entity_id
    inner join intermediate.int_dimensions as dimensions on entities.dimension = dimensions.dimension
    inner join intermediate.int_board_days as days
        on entities.board = days.board and windows.day_number = days.day_number
    left join launches on windows.entity_id = launches.entity_id
    where
        dimensions.is_partition
        and entities.dimension <> 'total'
        and windows.tokens_before is not null
        and windows.tokens_after is not null
),

-- What came or left for sure is what exceeds the bound of the window without a listing.
parted as (
    select
        *,
        case
            when is_complete then 'tail'
            when tokens_before > 0 and tokens_after > 0 then 'stays'
            when tokens_after > 0 and is_first_listed then 'new'
            when tokens_after > 0 then 'resurrected'
            when tokens_before > 0 then 'churned'
        end as part,
        case
            when tokens_before = 0 and is_first_listed and is_launched then tokens_after
            when tokens_after > 0 then greatest(0, tokens_after - most_before)
            else greatest(0, tokens_before - most_after)
        end as certain_tokens
    from compared
),

added as (
    select
        dimension,
        date,
        window_days,
        bool_or(is_provisional) as is_provisional,
        sum(tokens_before)::bigint as tokens_before,
        sum(tokens_after)::bigint as tokens_after,
        coalesce(sum(least(tokens_before, tokens_after)) filter (where part = 'stays'), 0)::bigint as retained_tokens,
        coalesce(sum(certain_tokens) filter (where part = 'new'), 0)::bigint as new_tokens,
        coalesce(sum(certain_tokens) filter (where part = 'resurrected'), 0)::bigint as resurrected_tokens,
        coalesce(sum(greatest(0, tokens_after - tokens_before)) filter (where part = 'stays'), 0)::bigint
            as expansion_tokens,
        coalesce(sum(greatest(0, tokens_before - tokens_after)) filter (where part = 'stays'), 0)::bigint
            as contraction_tokens,
        coalesce(sum(certain_tokens) filter (where part = 'churned'), 0)::bigint as churned_tokens,
        coalesce(sum(tokens_after - certain_tokens) filter (where part in ('new', 'resurrected')), 0)::bigint
            as threshold_in_tokens,
        coalesce(sum(tokens_before - certain_tokens) filter (where part = 'churned'), 0)::bigint
            as threshold_out_tokens,
        coalesce(sum(tokens_before) filter (where part = 'tail'), 0)::bigint as tail_before_tokens,
        coalesce(sum(tokens_after) filter (where part = 'tail'), 0)::bigint as tail_after_tokens
    from parted
    group by dimension, date, window_days
)

select
    dimension, -- what the entities are, such as model or organisation
    date, -- UTC day on which the window ends
    window_days, -- 7 or 28
    tokens_before, -- all tokens of the window before
    retained_tokens, -- of entities in both windows: what they have in each of them at least
    new_tokens, -- of entities that are listed for the first time: what exceeds the bound of the window before
    resurrected_tokens, -- of entities that were listed earlier, but not in the window before: the same
    expansion_tokens, -- by which entities in both windows grew
    contraction_tokens, -- by which entities in both windows shrank
    churned_tokens, -- of entities that are no longer listed: what exceeds their bound of the window
    threshold_in_tokens, -- of entities that came: what they may have had below the cut-off before
    threshold_out_tokens, -- of entities that left: what they may still have below the cut-off
    tail_before_tokens, -- of `other` in the window before
    tail_after_tokens, -- of `other` in the window
    tokens_after, -- all tokens of the window
    (
        new_tokens + resurrected_tokens + expansion_tokens + threshold_in_tokens + tail_after_tokens
        - contraction_tokens - churned_tokens - threshold_out_tokens - tail_before_tokens
    )::bigint as change_tokens, -- sum of the parts: tokens_after less tokens_before
    (new_tokens + resurrected_tokens + expansion_tokens)::double / nullif(contraction_tokens + churned_tokens, 0)
        as quick_ratio, -- gained to lost, without threshold and tail; null where nothing was lost
    is_provisional -- a day of the two windows may still be restated
from added
