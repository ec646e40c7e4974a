import { afterAll, beforeAll, expect, it } from 'vitest'
import { Scenario, type Worker } from './scenario.ts'

let world: Scenario
let worker: Worker

const source = `
CREATE SCHEMA "Back Office";
CREATE TYPE mood AS ENUM ('sad', 'so-so', 'it''s "fine"');
CREATE TABLE people (
  id bigint PRIMARY KEY, name text NOT NULL, seat int UNIQUE DEFERRABLE INITIALLY DEFERRED, boss bigint, mood mood, bio text,
  born date, seen timestamptz, pay numeric(12,2), tags text[], photo bytea, extra jsonb);
ALTER TABLE people ADD FOREIGN KEY (boss) REFERENCES people DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE "Back Office"."Line Items" ("Order No" int, "line" int, "What's it" varchar(60), n numeric, PRIMARY KEY ("Order No", line));
CREATE TABLE hidden (id int PRIMARY KEY, open boolean NOT NULL, word text);
ALTER TABLE hidden REPLICA IDENTITY FULL;
INSERT INTO people SELECT n, 'p' || n, n, NULL, 'sad', repeat(md5(n::text), 200), '2000-01-01', '2020-02-02 02:02:02.123456+02', n / 3.0, ARRAY['a', NULL, '"q",\\'], '\\x00ff', '{"n": 12345678901234567890}' FROM generate_series(1, 300) n;
INSERT INTO "Back Office"."Line Items" VALUES (1, 1, 'a "b"', 1.50), (1, 2, NULL, 'NaN'), (2, 1, '', 1e-20);
INSERT INTO hidden SELECT n, n % 2 = 0, 'w' || n FROM generate_series(1, 50) n;
`

beforeAll(async () => {
  world = await Scenario.make({
    source,
    tables: ['public.people', 'Back Office.Line Items', 'public.hidden'],
    handles: ['people', 'lineItems', 'hidden'],
    sync: `from: { people, lineItems, hidden },
  tables: { hidden: { where: row => row.open, as: 'shown' } },`,
  })
  await world.millrace('apply --yes')
  worker = world.startWorker()
  await world.caughtUp()
})
afterAll(() => world?.end())

async function same(): Promise<void> {
  await world.caughtUp()
  expect(await world.differences('SELECT * FROM people', 'SELECT * FROM copy.people')).toEqual([])
  expect(
    await world.differences('SELECT * FROM "Back Office"."Line Items"', 'SELECT * FROM copy."Line Items"'),
  ).toEqual([])
  expect(await world.differences('SELECT * FROM hidden WHERE open', 'SELECT * FROM copy.shown')).toEqual([])
}

it('loads what was there before it was declared', same)

it('has nothing left to plan, and status is well', async () => {
  expect(await world.millrace('plan --detailed-exitcode')).toContain('Nothing to do')
  await worker.reaches('live')
  expect(await world.millrace('status')).toContain('Everything makes progress')
})

it('follows inserts, updates, deletes, nulls and values Postgres left out of the WAL', async () => {
  await world.source.query(`UPDATE people SET name = name || '!', pay = NULL, tags = '{}' WHERE id < 100`)
  await world.source.query(
    `UPDATE people SET bio = repeat(md5(random()::text), 300), photo = NULL WHERE id BETWEEN 50 AND 60`,
  )
  await world.source.query(`DELETE FROM people WHERE id > 290`)
  await world.source.query(
    `INSERT INTO people (id, name, extra) VALUES (1000, 'new', '[1.10, null]'), (1001, '', NULL)`,
  )
  await world.source.query(`UPDATE "Back Office"."Line Items" SET n = n * 2, "What's it" = 'x' WHERE line = 1`)
  await same()
})

it('moves a row whose key changes, the values left out of the WAL with it', async () => {
  await world.source.query('UPDATE people SET id = id + 5000 WHERE id BETWEEN 10 AND 20')
  await world.source.query(
    'UPDATE "Back Office"."Line Items" SET "Order No" = 7, line = 9 WHERE "Order No" = 1 AND line = 2',
  )
  await same()
  const { rows } = await world.sink.query(
    'SELECT count(*)::int AS n FROM copy.people WHERE id BETWEEN 5010 AND 5020 AND length(bio) > 6000',
  )
  expect(rows[0].n).toBe(11)
})

it('follows values that swap under a unique constraint, and keys that point in a circle', async () => {
  await world.source.query(
    `BEGIN; UPDATE people SET seat = 1000 - seat WHERE seat IS NOT NULL; UPDATE people SET seat = seat - 600; COMMIT`,
  )
  await world.source.query(
    `BEGIN; UPDATE people SET seat = 31 WHERE id = 30; UPDATE people SET seat = 30 WHERE id = 31; COMMIT`,
  )
  await world.source.query(
    `BEGIN; UPDATE people SET boss = 31 WHERE id = 30; UPDATE people SET boss = 30 WHERE id = 31; COMMIT`,
  )
  await world.source.query(
    `BEGIN; INSERT INTO people (id, name, boss) VALUES (2000, 'a', 2001), (2001, 'b', 2000); COMMIT`,
  )
  await same()
})

it('shows a row when it starts to match, whole, and takes it away when it stops', async () => {
  await world.source.query(`UPDATE hidden SET open = NOT open WHERE id % 3 = 0`)
  await same()
})

it('empties the target where the source was truncated, in its place among the transactions', async () => {
  await world.source.query(
    `BEGIN; INSERT INTO hidden VALUES (900, true, 'before'); TRUNCATE hidden; INSERT INTO hidden VALUES (901, true, 'after'); COMMIT`,
  )
  await same()
})

it('applies a transaction of 60,000 rows whole', async () => {
  await world.source.query(`INSERT INTO hidden SELECT n, true, md5(n::text) FROM generate_series(10000, 69999) n`)
  const seen = new Set<number>()
  const until = Date.now() + 60_000
  do {
    const { rows } = await world.sink.query('SELECT count(*)::int AS n FROM copy.shown')
    seen.add(rows[0].n)
  } while (!seen.has(60_001) && Date.now() < until)
  expect([...seen].sort((a, b) => a - b)).toEqual(seen.size === 1 ? [60_001] : [1, 60_001])
})

it('loads again through staging when the mapping changes, deletes included', async () => {
  await world.source.query('DELETE FROM hidden WHERE id >= 10000')
  await world.declare(`from: { people, lineItems, hidden },
  tables: { hidden: { where: row => !row.open, as: 'shown' }, people: { columns: ['id', 'name', 'pay'] } },`)
  await worker.kill('SIGTERM')
  expect(await world.millrace('plan')).toContain('will be loaded')
  await world.millrace('apply --yes')
  worker = world.startWorker()
  await world.source.query(`INSERT INTO hidden VALUES (902, false, 'closed')`)
  await worker.reaches('live')
  await world.caughtUp()
  expect(await world.differences('SELECT * FROM hidden WHERE NOT open', 'SELECT * FROM copy.shown')).toEqual([])
  expect(await world.differences('SELECT id, name, pay FROM people', 'SELECT id, name, pay FROM copy.people')).toEqual(
    [],
  )
})
