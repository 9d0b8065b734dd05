BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'gateway','s0001_log_and_state','2026-11-21 10:51:21.797640+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'gateway','s0002_generations','2026-11-21 14:12:17.577934+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'gateway','s0003_notices','2026-11-21 16:35:14.996023+00:00');
INSERT INTO "_sqlite_migrations" VALUES(4,'gateway','s0004_push_subscriptions','2026-11-21 16:44:05.310446+00:00');
INSERT INTO "_sqlite_migrations" VALUES(5,'gateway','s0005_people','2026-11-21 19:48:12.104822+00:00');
INSERT INTO "_sqlite_migrations" VALUES(6,'gateway','s0006_documents','2026-11-21 19:48:12.104822+00:00');
CREATE TABLE boots (
        epoch INTEGER PRIMARY KEY, boot_id TEXT NOT NULL, mono INTEGER NOT NULL,
        wall INTEGER NOT NULL, trust TEXT NOT NULL, kitchen INTEGER NOT NULL);
INSERT INTO "boots" VALUES(1,'00000000-0000-4000-8000-000000000001',1000000,1800000000000,'ntp',1000000);
CREATE TABLE cursors (stream TEXT PRIMARY KEY, ranges TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "cursors" VALUES('tm','[[1,1]]');
CREATE TABLE ev (s INTEGER PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL);
INSERT INTO "ev" VALUES(1,1000000,X'7B2273223A312C2265223A312C227430223A313830303030303030303030302C226B223A2273797374656D222C2264223A7B22636F6465223A2273746F70706564227D7D');
CREATE TABLE generations (
        number INTEGER PRIMARY KEY, wall INTEGER NOT NULL, digest TEXT NOT NULL,
        body BLOB NOT NULL);
INSERT INTO "generations" VALUES(1,1800000000000,'acb802c0b9ce641aa8ab7cda23169be960ae7c151630c9eed8333e202132015c',X'789C2BCE2C49B552A8CE494C4ACDB152F0CF49D151A8CACF030A858638D7720100A1BE09D9');
CREATE TABLE inputs (
        id INTEGER PRIMARY KEY, s INTEGER NOT NULL, position INTEGER NOT NULL,
        at INTEGER NOT NULL, body TEXT NOT NULL);
INSERT INTO "inputs" VALUES(1,1,10,1000000,'{"k":"start"}');
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('dictionary','1');
INSERT INTO "meta" VALUES('install','2f9d5219ef1a75083d6d7f85b11cf46a');
CREATE TABLE notices (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "notices" VALUES('0123456789abcdef01234567/mail/kim','{"kept": "as it was"}');
CREATE TABLE people (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "people" VALUES('kim','{"id":"kim","label":"김","role":"staff","created":1000}');
CREATE TABLE locks (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "locks" VALUES('pin/kim','{"wrong":3,"last":1000}');
CREATE TABLE points (i INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL);
INSERT INTO "points" VALUES(0,'cold/temperature','{"i":0,"dev":"cold","name":"temperature","label":"cold/temperature","unit":"Cel","type":"number","prec":2,"min":null,"max":null,"sim":false}');
INSERT INTO "points" VALUES(1,'door/open','{"i":1,"dev":"door","name":"open","label":"door/open","unit":"Cel","type":"boolean","prec":2,"min":null,"max":null,"sim":false}');
CREATE TABLE push_subscriptions (endpoint TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "push_subscriptions" VALUES('https://push.example/a','{"endpoint":"https://push.example/a","person":"kim","public":"BA1H","secret":"BTBZ","since":1800000000000}');
CREATE TABLE state (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "state" VALUES('alarm/warm','{"kept":"as it was"}');
CREATE TABLE tm (s INTEGER PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL);
INSERT INTO "tm" VALUES(1,1000000,X'789CAB562A56B232D4514A0593B92960AAC40048591820808E52B29255B4810E068CD5514A29C12955019431D131D133320512206C6EAA038420BEA91E0803F9663A66407E6C2D00DA7D1CD4');
CREATE TABLE tokens (digest BLOB PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "tokens" VALUES(X'00','{}');
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
COMMIT;
CREATE TABLE documents (
        kind TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (kind, key)) WITHOUT ROWID;
INSERT INTO "documents" VALUES('layout','wall',1000,X'7B7D');
PRAGMA user_version = 6;
