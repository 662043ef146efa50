-- schema --
-- Everything a data folder holds, as of version 2.
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- A run, with its first task in the same row. `id` is that task's.
-- state: 0 queued, 1 running, 2 closing, 3 ended. Bodies are MessagePack.
-- lost: the highest number of an entry that was deleted to make room.
CREATE TABLE runs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    state INTEGER NOT NULL,
    created_at REAL NOT NULL,
    started_at REAL NOT NULL DEFAULT 0,
    request BLOB NOT NULL,
    head INTEGER NOT NULL DEFAULT 0,
    chunks INTEGER NOT NULL DEFAULT 0,
    lost INTEGER NOT NULL DEFAULT 0,
    early_end INTEGER NOT NULL DEFAULT 0,
    early BLOB,
    why TEXT,
    ended_at REAL,
    outcome BLOB
);
-- Ids begin with the time, so this index grows at its end.
CREATE UNIQUE INDEX runs_id ON runs (id);
CREATE INDEX runs_open ON runs (number) WHERE state < 3;

-- Tasks that share a run which another one began.
CREATE TABLE tasks (
    id TEXT PRIMARY KEY,
    run INTEGER NOT NULL,
    origin TEXT NOT NULL,
    created_at REAL NOT NULL,
    request BLOB NOT NULL,
    early_end INTEGER NOT NULL DEFAULT 0,
    early BLOB
) WITHOUT ROWID;
CREATE INDEX tasks_run ON tasks (run);

-- Idempotency keys in the order of their use. Which number a digest has is known in
-- memory: an index of random digests would dirty another page with each key.
CREATE TABLE keys (
    number INTEGER PRIMARY KEY,
    digest BLOB NOT NULL,
    task TEXT NOT NULL
);

-- One row for what a run said between two commits.
-- place: the run's number, then in the lower 26 bits the number of the last entry.
CREATE TABLE chunks (
    place INTEGER PRIMARY KEY,
    body BLOB NOT NULL
);

-- from_1 --
-- What version 2 changed: keys were stored under their digests.
CREATE TABLE keys_in_order (
    number INTEGER PRIMARY KEY,
    digest BLOB NOT NULL,
    task TEXT NOT NULL
);
INSERT INTO keys_in_order (digest, task) SELECT digest, task FROM keys ORDER BY task;
DROP TABLE keys;
ALTER TABLE keys_in_order RENAME TO keys;

-- insert_run --
-- A new run and its first task.
INSERT INTO runs (number, id, state, created_at, started_at, request) VALUES (?, ?, ?, ?, ?, ?);

-- insert_task --
-- A joined or cached task.
INSERT INTO tasks (id, run, origin, created_at, request) VALUES (?, ?, ?, ?, ?);

-- insert_key --
-- The idempotency key of a task.
INSERT INTO keys (number, digest, task) VALUES (?, ?, ?);

-- begin_run --
-- A worker has the run.
UPDATE runs SET state = 1, started_at = ? WHERE number = ?;

-- close_run --
-- Nobody wants the run any more.
UPDATE runs SET state = 2, why = ? WHERE number = ?;

-- insert_chunks --
-- What a run said.
INSERT INTO chunks (place, body) VALUES (?, ?);

-- finish_run --
-- The end of a run, and the length of its log.
UPDATE runs SET state = 3, started_at = ?, head = ?, chunks = ?, ended_at = ?, outcome = ? WHERE number = ?;

-- leave_first --
-- The first task has left a run that goes on.
UPDATE runs SET early_end = ?, early = ? WHERE number = ?;

-- leave_task --
-- A joined task has left a run that goes on.
UPDATE tasks SET early_end = ?, early = ? WHERE id = ?;

-- open_runs --
-- Runs that had not ended when the hub did, in the order of their acceptance.
SELECT number, id, state, created_at, started_at, request, head, chunks, lost, early_end, early, why, outcome
FROM runs INDEXED BY runs_open WHERE state < 3 ORDER BY number;

-- run_by_id --
-- A run by the id of its first task.
SELECT number, id, state, created_at, started_at, request, head, chunks, lost, early_end, early, why, outcome
FROM runs WHERE id = ?;

-- run_by_number --
-- A run by its number.
SELECT number, id, state, created_at, started_at, request, head, chunks, lost, early_end, early, why, outcome
FROM runs WHERE number = ?;

-- task_by_id --
-- A joined or cached task.
SELECT id, run, origin, created_at, request, early_end, early FROM tasks WHERE id = ?;

-- tasks_of_run --
-- The tasks that share a run.
SELECT id, run, origin, created_at, request, early_end, early FROM tasks WHERE run = ? ORDER BY id;

-- task_of_key --
-- Which task has a key.
SELECT task FROM keys WHERE number = ?;

-- all_keys --
-- Every key there is.
SELECT digest, number FROM keys;

-- last_number --
-- The number of the newest run.
SELECT coalesce(max(number), 0) FROM runs;

-- chunks_after --
-- A run's output behind an entry.
SELECT place, body FROM chunks WHERE place > ? AND place <= ? ORDER BY place;

-- last_place --
-- The number of the last entry that a run has stored.
SELECT max(place) FROM chunks WHERE place > ? AND place <= ?;

-- expired_runs --
-- Ended runs in a window of numbers whose time is over, and the ids of all their tasks.
SELECT number, id, request FROM runs
WHERE number > ? AND number <= ? AND state = 3 AND ended_at < ?
AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.run = runs.number AND tasks.created_at >= ?);

-- oldest_logs --
-- Ended runs that still have output, the oldest first.
SELECT number, id FROM runs
WHERE number > ? AND state = 3 AND head > lost ORDER BY number LIMIT ?;

-- log_bytes --
-- How much output of a run is stored.
SELECT coalesce(sum(length(body)), 0) FROM chunks WHERE place > ? AND place <= ?;

-- oldest_runs --
-- Ended runs, the oldest first, and what they take at the least.
SELECT number, id, request, length(request) + length(outcome) FROM runs
WHERE number > ? AND state = 3 ORDER BY number LIMIT ?;

-- lose_log --
-- The output of a run was deleted.
UPDATE runs SET lost = head WHERE number = ?;

-- delete_run --
-- A run.
DELETE FROM runs WHERE number = ?;

-- delete_tasks --
-- The tasks that share a run.
DELETE FROM tasks WHERE run = ?;

-- delete_chunks --
-- A run's output.
DELETE FROM chunks WHERE place > ? AND place <= ?;

-- delete_key --
-- The key of a task.
DELETE FROM keys WHERE number = ?;
