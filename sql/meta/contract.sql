-- What readers may rely on: the version of the published tables, and the source and licence of their figures.
-- grain: contract_version
with landed as (
    select
        source in ('rankings-daily', 'exports') as is_of_rankings,
        is_simulated,
        as_of,
        citation,
        split_part(citation, ', as of ', 1) as cited_place
    from meta.loads
    where outcome = 'landed' and citation is not null
),

newest as (
    select arg_max(citation, as_of) as citation
    from landed
    group by cited_place
),

every_place as (
    select list(citation order by citation) as citations
    from newest
)

select
    '1.5.0' as contract_version, -- semantic version of schema marts: major breaks, minor adds, patch mends
    coalesce(bool_or(landed.is_simulated), false) as is_simulated, -- the figures are made up
    max(landed.as_of) as as_of, -- newest instant (UTC) as of which any source states its figures
    case
        when bool_or(landed.is_simulated) then 'Simulated data, not OpenRouter''s.'
        else coalesce(
            arg_max(landed.citation, landed.as_of) filter (where landed.is_of_rankings),
            arg_max(landed.citation, landed.as_of)
        )
    end as citation, -- the line to show with the growth tables; meta.loads has that of each answer
    case
        when bool_or(landed.is_simulated) then ['Simulated data, not OpenRouter''s.']
        else any_value(every_place.citations)
    end as citations, -- the newest line of each place that OpenRouter asks to cite: rankings, apps, Data API
    case
        when bool_or(landed.is_simulated) then 'none: simulated'
        else 'CC BY 4.0, https://creativecommons.org/licenses/by/4.0/'
    end as licence -- licence of the figures
from landed
cross join every_place
