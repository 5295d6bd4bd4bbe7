"""Every error a user can meet: one sentence, and the exit status that the command ends with."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_SOURCE_FAILED = 3
EXIT_QUOTA = 4


class TokenGrowthError(Exception):
    """Says in one sentence what happened, where, and what to do."""

    exit_code = EXIT_FAILED


class UsageError(TokenGrowthError):
    """The command, a setting or a parameter cannot be used as given."""

    exit_code = EXIT_USAGE


class SourceError(TokenGrowthError):
    """A source gave no usable answer; what was published before stays as it is."""

    exit_code = EXIT_SOURCE_FAILED


class SourceUnavailableError(SourceError):
    """The network or the server failed in a way that may pass; a later try is worth it."""


def may_pass(status: int) -> bool:
    """Tell whether an HTTP status stands for a failure that a later try may not meet."""
    return status in (408, 429) or (status >= 500 and status not in (501, 505))


def is_interruption(error: Exception) -> bool:
    """Tell whether an exception is DuckDB's own for a query that was stopped by hand."""
    return "Query interrupted" in str(error)


class ContractBrokenError(SourceError):
    """An answer arrived that does not hold what the source promises; nothing of it lands."""


class ClockError(SourceError):
    """This machine's clock is off: nothing of the answer was kept, which would bear a wrong day."""


class VoidError(ContractBrokenError):
    """The same as ContractBrokenError, of something that never changes: to ask again would bring the same."""


class KeyRefusedError(SourceError):
    """OpenRouter does not know the key (`is_unknown`), or it lacks rights for what was asked."""

    def __init__(self, message: str, *, is_unknown: bool) -> None:
        super().__init__(message)
        self.is_unknown = is_unknown


class QuotaReachedError(SourceError):
    """Today's requests are used up."""

    exit_code = EXIT_QUOTA


class LockedError(TokenGrowthError):
    """Another run holds the writer lock, or another program the file."""


class UnwritableError(TokenGrowthError):
    """This user may not write to a place, or nobody can: it is mounted read only. `remedy` says how to take another."""

    def __init__(self, place: Path | str, reason: str, remedy: str) -> None:
        super().__init__(f"{place} cannot be written ({reason}); give this user the right to write there, or {remedy}.")


def is_unwritable(error: OSError) -> bool:
    """Tell whether an error stands for a place that cannot be written."""
    return error.errno in (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def writable(place: Path, remedy: str) -> Iterator[None]:
    """Raise UnwritableError where what is done within cannot be written."""
    try:
        yield
    except OSError as error:
        if is_unwritable(error):
            raise UnwritableError(error.filename or place, error.strerror or str(error), remedy) from None
        raise


# How a damaged part of the archive comes back.
MEND = "restore it from a backup, then run `tokengrowth rebuild`."


class DamagedError(TokenGrowthError):
    """A file does not hold what was written to it: `reason` says which and how, `mend` what to do, if anything."""

    def __init__(self, reason: str, mend: str = "") -> None:
        super().__init__(f"{reason}; {mend}" if mend else f"{reason}.")
        self.reason = reason


class OutdatedError(TokenGrowthError):
    """The warehouse was made by an older version of this program; it holds the answers `load_ids`."""

    def __init__(self, message: str, *, load_ids: set[str]) -> None:
        super().__init__(message)
        self.load_ids = load_ids


class BuildFailedError(TokenGrowthError):
    """A model or a check failed; the transaction was rolled back."""
