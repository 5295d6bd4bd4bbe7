-- How concentrated the use of each day is, among models and among authors: Herfindahl-Hirschman index (10,000 times the
-- sum of squared shares), effective number (10,000 by the index), shares of the largest, and how many make 80 % of all
-- tokens. What is below the cut-off is not nothing: the lower bounds spread `other` thinly, the upper ones give it to
-- the largest that can have it. The 2023 merger guidelines of the US agencies call a market above 1,000 moderately
-- and above 1,800 highly concentrated.
-- grain: dimension, date
-- check: hhi_low <= hhi_high + 1e-6
-- check: hhi_low between 0 and 10000 + 1e-6
-- check: effective_number_low <= effective_number_high + 1e-6
-- check: top_1_share_low_pct <= top_1_share_high_pct + 1e-9
-- check: top_1_share_low_pct <= top_3_share_low_pct + 1e-9
-- check: top_3_share_low_pct <= top_5_share_low_pct + 1e-9
-- check: top_5_share_low_pct <= top_10_share_low_pct + 1e-9
-- check: count_for_80_pct_low <= count_for_80_pct_high
with days as (
    select
        day_number,
        date,
        is_provisional,
        total_tokens,
        other_tokens,
        cutoff_tokens
    from intermediate.int_board_days
    where board = 'rankings' and is_loaded and total_tokens > 0
),

entities as (
    select
        dimension,
        entity_id
    from intermediate.int_entities
    where dimension in ('model', 'author') and not is_complete
),

listed as (
    select
        entities.dimension,
        entity_days.day_number,
        ranks.rank,
        entity_days.low_tokens::hugeint as low_tokens,
        sum(entity_days.low_tokens) over (
            partition by entities.dimension, entity_days.day_number
            order by ranks.rank rows between unbounded preceding and current row
        ) as tokens_to_here
    from intermediate.int_ranks as ranks
    inner join entities on ranks.entity_id = entities.entity_id
    inner join intermediate.int_entity_days as entity_days
        on ranks.entity_id = entity_days.entity_id and ranks.day_number = entity_days.day_number
),

-- What each author may have of `other`. One more, whom neither the rankings nor a catalogue name, may have all of it.
authors as (
    select
        entity_days.day_number,
        entity_days.low_tokens::hugeint as low_tokens,
        (entity_days.high_tokens - entity_days.low_tokens)::hugeint as room_tokens
    from intermediate.int_entity_days as entity_days
    inner join entities on entity_days.entity_id = entities.entity_id
    where entities.dimension = 'author'
    union all
    select
        day_number,
        0 as low_tokens,
        other_tokens as room_tokens
    from days
),

-- An author that gets y of `other`, at most its room, adds y (2 low + y) to the sum of squares, so at most
-- y (2 low + room): those for which that is most are filled first, until `other` is used up.
filled as (
    select
        authors.day_number,
        authors.low_tokens,
        authors.room_tokens,
        greatest(0, least(authors.room_tokens, days.other_tokens - coalesce(sum(authors.room_tokens) over (
            partition by authors.day_number
            order by 2 * authors.low_tokens + authors.room_tokens desc, authors.low_tokens desc
            rows between unbounded preceding and 1 preceding
        ), 0))) as filled_tokens
    from authors
    inner join days on authors.day_number = days.day_number
),

gained as (
    select
        day_number,
        sum(filled_tokens * (2 * low_tokens + room_tokens)) as squares
    from filled
    group by day_number
),

-- Whole numbers until here, so that the order of summing does not matter.
added as (
    select
        listed.dimension,
        days.date,
        days.is_provisional,
        days.total_tokens,
        days.other_tokens,
        days.cutoff_tokens,
        gained.squares as gained_squares,
        count(*) as listed,
        sum(listed.low_tokens) as listed_tokens,
        sum(listed.low_tokens * listed.low_tokens) as squares,
        sum(listed.low_tokens) filter (where listed.rank <= 1) as top_1_tokens,
        sum(listed.low_tokens) filter (where listed.rank <= 3) as top_3_tokens,
        sum(listed.low_tokens) filter (where listed.rank <= 5) as top_5_tokens,
        sum(listed.low_tokens) filter (where listed.rank <= 10) as top_10_tokens,
        min(listed.rank) filter (where 5 * listed.tokens_to_here >= 4 * days.total_tokens) as count_for_80,
        min(listed.rank) filter (where 5 * (listed.tokens_to_here + days.other_tokens) >= 4 * days.total_tokens)
            as count_with_other
    from listed
    inner join days on listed.day_number = days.day_number
    inner join gained on listed.day_number = gained.day_number
    group by all
),

-- Models below the cut-off have no more than that each.
bounded as (
    select
        *,
        10000 * squares::double / (total_tokens::double * total_tokens) as hhi_low,
        least(10000, 10000 * case dimension
            when 'model' then squares + other_tokens::hugeint * cutoff_tokens
            else squares + gained_squares
        end::double / (total_tokens::double * total_tokens)) as hhi_high,
        if(dimension = 'model', 0, other_tokens) as room_of_the_top
    from added
)

select
    dimension, -- model or author
    date,
    hhi_low, -- at least: `other` is spread among many
    hhi_high, -- at most: `other` is with as few as can be
    10000 / nullif(hhi_high, 0) as effective_number_low, -- at least as many of equal size would be as concentrated
    10000 / nullif(hhi_low, 0) as effective_number_high, -- at most
    100 * top_1_tokens::double / total_tokens as top_1_share_low_pct, -- of the largest, at least; exact for models
    100 * least(1, (top_1_tokens + room_of_the_top)::double / total_tokens) as top_1_share_high_pct, -- at most
    100 * top_3_tokens::double / total_tokens as top_3_share_low_pct, -- of the three largest together, at least
    100 * least(1, (top_3_tokens + room_of_the_top)::double / total_tokens) as top_3_share_high_pct, -- at most
    100 * top_5_tokens::double / total_tokens as top_5_share_low_pct, -- of the five largest together, at least
    100 * least(1, (top_5_tokens + room_of_the_top)::double / total_tokens) as top_5_share_high_pct, -- at most
    100 * top_10_tokens::double / total_tokens as top_10_share_low_pct, -- of the ten largest together, at least
    100 * least(1, (top_10_tokens + room_of_the_top)::double / total_tokens)
        as top_10_share_high_pct, -- at most
    case
        when dimension = 'author' then count_with_other
        when count_for_80 is not null then count_for_80
        else listed + ceil((0.8 * total_tokens - listed_tokens) / nullif(cutoff_tokens, 0) - 1e-9)
    end::integer as count_for_80_pct_low, -- how many make 80 % of all tokens, at least
    count_for_80::integer as count_for_80_pct_high, -- at most; null where the listed ones do not reach 80 %
    is_provisional
from bounded
