-- Limit: tokenizers differ, so that a token of one model is not one of another. The catalogue names families and lumps
-- the rest together as `Other`, which is no family; what is not listed or not known may be of any.
-- kind: view
-- grain: claim_id
with families as (
    select
        any_value(date) as date,
        arg_max(entity, share_pct) filter (where is_family) as family,
        max(share_pct) filter (where is_family) as family_pct,
        coalesce(round(sum(share_pct) filter (where not is_family and entity <> 'Other family'), 9), 0) as unknown_pct,
        coalesce(bool_or(entity = 'Other family'), false) as is_other_told,
        coalesce(bool_or(is_provisional), false) as is_provisional
    from (
        select
            date,
            entity,
            share_pct,
            is_provisional,
            entity not in ('other', 'unknown', 'Other family', 'Router') as is_family
        from marts.growth_latest
        where dimension = 'tokenizer'
    ) as shares
),

author as (
    select
        arg_min(entity, rank) as author,
        arg_min(share_pct, rank) / 100 as share
    from marts.growth_latest
    where dimension = 'author'
),

figures as (
    select
        if(families.family is null, null, families.date) as as_of_date,
        families.family,
        families.family_pct,
        if(families.family is null, null, greatest(0, 100 - families.family_pct - families.unknown_pct))
            as outside_low_pct,
        100 - families.family_pct as outside_high_pct,
        families.is_other_told,
        families.family is not null and families.is_provisional as is_provisional,
        author.author,
        100 * author.share as author_pct,
        100 * 0.8 * author.share / (1 - 0.2 * author.share) as author_low_pct,
        100 * 1.2 * author.share / (1 + 0.2 * author.share) as author_high_pct
    from families
    cross join author
)

select
    'L3' as claim_id, -- number of the claim
    'Tokenizers differ, which blurs comparisons between models' as claim, -- in short
    'B' as grade, -- A exact, B estimate or proxy, C not public
    'growth_latest' as tables, -- marts behind it
    'tokens outside the largest family of tokenizers, of all tokens of the day, at least'
        as measure, -- what the value is
    'pct' as unit, -- unit of the value
    outside_low_pct as value, -- the figure
    outside_low_pct as value_low, -- at least
    outside_high_pct as value_high, -- at most
    as_of_date, -- UTC day of the figure
    is_provisional, -- the figure may still be restated
    case
        when as_of_date is null then 'no data'
        when outside_low_pct >= 20 then 'supported'
        when outside_high_pct < 5 then 'not supported'
        else 'mixed'
    end as verdict, -- what the rule makes of the figure
    'Supported where at least 20 % of all tokens are outside the largest family of tokenizers, not supported where at '
    || 'most 5 % are, else mixed.' as rule, -- which figures give which verdict
    concat_ws(
        ' ',
        case
            when as_of_date is not null then null
            when is_other_told then 'Of the ranked models the catalogue tells only the family Other, which is none.'
            else 'No daily rankings with a catalogue that tells tokenizers are loaded.'
        end,
        format(
            'On {}, {:.1f} % to {:.1f} % of all tokens were outside the largest family of tokenizers known, {}.',
            as_of_date,
            outside_low_pct,
            outside_high_pct,
            family
        ),
        if(
            as_of_date is null,
            null,
            format(
                'If each token of the largest author, {}, stood for 20 % less or more text than those of the others, '
                || 'its share would be {:.1f} % or {:.1f} % instead of {:.1f} %.',
                author,
                author_low_pct,
                author_high_pct,
                author_pct
            )
        ),
        'Public data cannot decide how much text a token of each family holds.'
    ) as finding -- the figures in words
from figures
