"""A refused operation leaves nothing behind."""

from contextlib import suppress

from everstock.model.journal import Journal, Tracked, TrackedDict


class Record(Tracked):
    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self.amount = 1
        self.entries: TrackedDict[str, int] = TrackedDict(journal)


def fail_after_writing(record: Record, journal: Journal) -> None:
    with journal.transaction():
        record.amount = 3
        record.entries["new"] = 1
        del record.entries["kept"]
        raise ValueError


def fail_around(record: Record, journal: Journal) -> None:
    with journal.transaction():
        record.amount = 2
        with suppress(ValueError):
            fail_after_writing(record, journal)
        assert record.amount == 2
        assert record.entries == {"kept": 5}
        raise ValueError


def test_a_failing_block_is_undone_and_an_inner_one_alone() -> None:
    journal = Journal()
    record = Record(journal)
    record.entries["kept"] = 5
    with suppress(ValueError):
        fail_around(record, journal)
    assert record.amount == 1
    with journal.transaction():
        record.amount = 4
    assert record.amount == 4


def test_a_dry_run_writes_nothing() -> None:
    journal = Journal()
    record = Record(journal)
    with journal.dry_run():
        record.amount = 2
        record.entries["new"] = 1
    assert (record.amount, dict(record.entries)) == (1, {})
