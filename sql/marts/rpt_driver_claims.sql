-- The ledger of claims: what the data say of each growth driver that a note on OpenRouter of August 2025 names, of its
-- findings and of the limits that it sees. Verdicts and findings follow from the figures, and change with them. A
-- verdict is on the figures that its rule names: none shows what causes growth.
-- grain: claim_id
-- check: grade in ('A', 'B', 'C')
-- check: unit in ('tokens', 'pct', 'pp', 'count', 'ratio', 'usd')
-- check: verdict in ('supported', 'not supported', 'mixed', 'undecidable', 'no data')
-- check: (verdict = 'no data') = (as_of_date is null) or verdict = 'undecidable'
-- check: value between value_low - 1e-9 and value_high + 1e-9
-- check: finding is not null and contains(finding, 'Public data cannot decide ')
with claims as (
    select * from claims.breadth
    union all
    select * from claims.rankings
    union all
    select * from claims.reasoning
    union all
    select * from claims.free_variants
    union all
    select * from claims.routing
    union all
    select * from claims.apps
    union all
    select * from claims.contexts
    union all
    select * from claims.community
    union all
    select * from claims.top_authors
    union all
    select * from claims.top_apps
    union all
    select * from claims.use_cases
    union all
    select * from claims.session_cost
    union all
    select * from claims.rate_limits
    union all
    select * from claims.tokenizers
)

select
    claim_id, -- 1 to 8 a driver of growth, F1 to F3 a finding, L1 to L3 a limit
    claim, -- what is claimed, in short
    grade, -- A exact from public data, B an estimate or a proxy, C not public
    tables, -- names of the published tables that it reads, separated by commas; what else it reads is behind these
    measure,
    unit, -- tokens, pct, pp, count, ratio or usd
    value, -- the figure that the verdict rests on most; null where unknown
    value_low, -- at least; equal to the value where that is exact, null where unknown
    value_high, -- at most; equal to the value where that is exact, null where unknown
    as_of_date, -- UTC day of the newest figure; null without data
    is_provisional,
    verdict, -- supported, not supported, mixed, undecidable (public data cannot decide it) or no data
    rule,
    finding -- the figures in words, and what they cannot decide
from claims
