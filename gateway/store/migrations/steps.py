"""Every step the schema has taken, oldest first; `LATEST` in `gateway.store.file` counts them."""

from sqlite_utils import Database, Migrations

migrations = Migrations("gateway")

_LOG_AND_STATE = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE points (i INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL)",
    """CREATE TABLE boots (
        epoch INTEGER PRIMARY KEY, boot_id TEXT NOT NULL, mono INTEGER NOT NULL,
        wall INTEGER NOT NULL, trust TEXT NOT NULL, kitchen INTEGER NOT NULL)""",
    # `at` is the kitchen time of the row's last reading: its first one is `dt` earlier
    "CREATE TABLE tm (s INTEGER PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL)",
    "CREATE TABLE ev (s INTEGER PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL)",
    # what else was judged, before the reading at `position` of telemetry row `s`
    """CREATE TABLE inputs (
        id INTEGER PRIMARY KEY, s INTEGER NOT NULL, position INTEGER NOT NULL,
        at INTEGER NOT NULL, body TEXT NOT NULL)""",
    "CREATE TABLE state (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE cursors (stream TEXT PRIMARY KEY, ranges TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE tokens (digest BLOB PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
)

_GENERATIONS = """
    CREATE TABLE generations (
        number INTEGER PRIMARY KEY, wall INTEGER NOT NULL, digest TEXT NOT NULL,
        body BLOB NOT NULL)"""

_NOTICES = "CREATE TABLE notices (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID"

_PUSH_SUBSCRIPTIONS = """
    CREATE TABLE push_subscriptions (endpoint TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID"""

_AUDIT = (
    "CREATE TABLE audit (n INTEGER PRIMARY KEY, body BLOB NOT NULL, hash BLOB NOT NULL)",
    # one row: how far the chain has come, under a seal
    """CREATE TABLE audit_head (
        id INTEGER PRIMARY KEY CHECK (id = 1), n INTEGER NOT NULL, hash BLOB NOT NULL,
        checkpoints INTEGER NOT NULL, amiss INTEGER, seal BLOB NOT NULL)""",
    """CREATE TABLE audit_checkpoints (
        c INTEGER PRIMARY KEY, body BLOB NOT NULL, signature BLOB NOT NULL)""",
)


_PEOPLE = (
    "CREATE TABLE people (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
    # who has to wait after wrong tries: the tries of a person or a tablet
    "CREATE TABLE locks (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
)

DOCUMENTS = """
    CREATE TABLE documents (
        kind TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (kind, key)) WITHOUT ROWID"""


@migrations()
def s0001_log_and_state(db: Database) -> None:
    """Rows of both streams, what was judged, the state it led to, and where the cloud stands."""
    for statement in _LOG_AND_STATE:
        db.execute(statement)


@migrations()
def s0002_generations(db: Database) -> None:
    """The configurations that were proven: the first, the one before the last, and the last."""
    db.execute(_GENERATIONS)


@migrations()
def s0003_notices(db: Database) -> None:
    """What people are to be told: a row for each message, channel and recipient."""
    db.execute(_NOTICES)


@migrations()
def s0004_push_subscriptions(db: Database) -> None:
    """The browsers people want to be told by."""
    db.execute(_PUSH_SUBSCRIPTIONS)


@migrations()
def s0005_people(db: Database) -> None:
    """Who may log in with a password or a PIN, and who has to wait after wrong tries."""
    for statement in _PEOPLE:
        db.execute(statement)


@migrations()
def s0006_documents(db: Database) -> None:
    """Views, layouts and presets people have saved, and answers that may be asked for again."""
    db.execute(DOCUMENTS)


@migrations()
def s0007_audit(db: Database) -> None:
    """Who did what: the chain, its sealed head, and its signed checkpoints."""
    for statement in _AUDIT:
        db.execute(statement)
