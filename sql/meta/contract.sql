-- What readers may rely on: the version of the published tables, and the source and licence of their figures.
-- grain: contract_version
with landed as (
    select
        is_simulated,
        as_of,
        citation
    from meta.loads
    where outcome = 'landed' and citation is not null
)

select
    '1.0.0' as contract_version, -- semantic version of schema marts: major breaks, minor adds, patch mends
    coalesce(bool_or(landed.is_simulated), false) as is_simulated, -- the figures are made up
    max(landed.as_of) as as_of, -- newest instant (UTC) as of which any source states its figures
    case
        when bool_or(landed.is_simulated) then 'Simulated data, not OpenRouter''s.'
        else arg_max(landed.citation, landed.as_of)
    end as citation, -- the line to show with the figures
    case
        when bool_or(landed.is_simulated) then 'none: simulated'
        else 'CC BY 4.0, https://creativecommons.org/licenses/by/4.0/'
    end as licence -- licence of the figures
from landed
