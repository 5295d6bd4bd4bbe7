-- Which organisation is behind an author namespace, from which day on, as curated by hand: what the dimension
-- `organisation` follows. A namespace without a row stands for itself.
-- grain: author, since_date
select
    author,
    organisation,
    since_date,
    reason
from curated.organisations
