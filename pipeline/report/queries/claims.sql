-- Each claim about what drives token growth, with what the data say of it.
select
    claim_id,
    claim,
    grade,
    verdict,
    finding,
    rule,
    as_of_date,
    is_provisional
from marts.rpt_driver_claims
order by claim_id
