import { beforeEach, expect, test } from 'vitest';
import type { Entry } from '../../../src/protocol/entry.ts';
import { open } from '../../../src/vault/envelope.ts';
import { rewrapStep } from '../../../src/vault/rewrap.ts';
import { secretHash } from '../../../src/vault/secret.ts';
import {
  endSecret,
  listSecrets,
  nextVersion,
  prepareVersion,
  projectSecret,
  readSecrets,
} from '../../../src/vault/secret-table.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { history } from '../audit/history.ts';
import { bindingOf, keysFrom, OWNER, sealedOf, store, TOKEN, valueOf } from './sealed.ts';

beforeEach(freshDatabase);

const entryOf = (type: 'secret.put' | 'secret.removed', version: number, seq = version): Entry => {
  const hash = secretHash(bindingOf({ version }));
  const [entry] = history(OWNER, [
    { type, at: 200, outcome: { name: 'weather', ...(type === 'secret.put' ? { hash } : {}) } },
  ]);
  return { ...(entry as Entry), seq };
};
const project = async (entry: Entry) => db.batch(projectSecret(db, entry));
const versions = async () => (await listSecrets(db, OWNER)).map(({ version }) => version);

test('a prepared version counts only with its entry, also if the Worker crashed before it updated the table', async () => {
  await prepareVersion(db, await sealedOf(), { hint: '', now: 100 });
  expect(await versions()).toEqual([]);
  expect(await readSecrets(db, OWNER, ['weather'])).toEqual([]);
  // The audit consumer projects the entry.
  await project(entryOf('secret.put', 1));
  expect(await versions()).toEqual([1]);
});

test('a new version ends the one before and erases its value, and no number is used twice', async () => {
  await store(await sealedOf());
  await store(await sealedOf({ version: 2 }), 2);
  await project(entryOf('secret.put', 1));
  expect(await versions()).toEqual([2]);
  const { results } = await db
    .prepare('SELECT version, length(wrapped) + length(body) AS bytes FROM secrets')
    .all();
  expect(results).toEqual([
    { version: 1, bytes: 0 },
    { version: 2, bytes: expect.any(Number) as number },
  ]);
  await project(entryOf('secret.removed', 3));
  expect(await versions()).toEqual([]);
  expect(await nextVersion(db, OWNER, 'weather')).toBe(3);
});

test('an entry that arrives again revives nothing and ends no later version', async () => {
  await store(await sealedOf(), 1);
  await project(entryOf('secret.removed', 1, 2));
  await project(entryOf('secret.put', 1));
  expect(await versions()).toEqual([]);
  await store(await sealedOf({ version: 2 }), 3);
  await project(entryOf('secret.removed', 1, 2));
  expect(await versions()).toEqual([2]);
});

test('one of two requests that prepare the same version is refused', async () => {
  const prepare = async () => prepareVersion(db, await sealedOf(), { hint: '', now: 100 });
  expect([await prepare(), await prepare()]).toEqual([true, false]);
});

test('a row that is moved to another name in the database does not open', async () => {
  await store(await sealedOf());
  await db.prepare(`UPDATE secrets SET name = 'mine', host = 'evil.example'`).run();
  const [moved] = await readSecrets(db, OWNER, ['mine']);
  expect(moved && (await open(moved, await keysFrom(1)))).toEqual({ ok: false, error: 'damaged' });
});

const KEPT = 120;
const nameOf = (index: number): string => `s${index.toString().padStart(3, '0')}`;
const openAll = async (current: number, old?: number): Promise<number> => {
  const keys = await keysFrom(current, old);
  const names = Array.from({ length: KEPT }, (_, index) => nameOf(index));
  const opened = await Promise.all(
    (await readSecrets(db, OWNER, names)).map(async (row) => open(row, keys)),
  );
  for (const each of opened) if (each.ok) expect(each.value).toEqual(valueOf(TOKEN));
  return opened.filter(({ ok }) => ok).length;
};

test('rotation of the key goes on after a crash in mid-step, and calls open every secret meanwhile', async () => {
  for (let index = 0; index < KEPT; index += 1)
    await store(await sealedOf({ name: nameOf(index) }));
  const keys = await keysFrom(2, 1);
  expect(await rewrapStep(db, keys, OWNER, undefined)).toMatchObject({
    rewrapped: 50,
    remaining: 70,
  });
  expect(await openAll(2, 1)).toBe(KEPT);

  // The database fails after seven rows of the second step, and the Worker loses the cursor.
  let writes = 0;
  const failing = new Proxy(db, {
    get: (target, name) =>
      name === 'prepare'
        ? (sql: string) => {
            if (sql.startsWith('UPDATE')) writes += 1;
            if (writes > 7) throw new Error('crash');
            return target.prepare(sql);
          }
        : Reflect.get(target, name),
  });
  await expect(rewrapStep(failing, keys, OWNER, undefined)).rejects.toThrow('crash');
  expect(await openAll(2, 1)).toBe(KEPT);

  const sums = { rewrapped: 0, remaining: 0 };
  for (let after: string | undefined; ;) {
    const step = await rewrapStep(db, keys, OWNER, after);
    sums.rewrapped += step?.rewrapped ?? 0;
    sums.remaining = step?.remaining ?? 0;
    if (step?.next === undefined) break;
    after = step.next;
  }
  expect(sums).toEqual({ rewrapped: KEPT - 57, remaining: 0 });
  expect(await openAll(2)).toBe(KEPT);
});

test('rotation without the old key names what it cannot read and leaves it as it is', async () => {
  await store(await sealedOf({ name: 'lost' }, TOKEN, 9));
  await store(await sealedOf({ name: 'mine' }, TOKEN, 1));
  const before = await readSecrets(db, OWNER, ['lost']);
  expect(await rewrapStep(db, await keysFrom(2, 1), OWNER, undefined)).toEqual({
    ...{ rewrapped: 1, unreadable: ['lost'], remaining: 1 },
  });
  expect(await readSecrets(db, OWNER, ['lost'])).toEqual(before);
  expect(await rewrapStep(db, await keysFrom(2), OWNER, 'a cursor')).toBeUndefined();
});

test('two steps at once encrypt each secret once, and a removed secret stays removed', async () => {
  for (const name of ['a', 'b', 'c']) await store(await sealedOf({ name }));
  const keys = await keysFrom(2, 1);
  // Both steps read the rows before either writes one.
  const steps = await Promise.all([1, 2].map(async () => rewrapStep(db, keys, OWNER, undefined)));
  expect(steps.reduce((sum, step) => sum + (step?.rewrapped ?? 0), 0)).toBe(3);

  const removing = new Proxy(db, {
    get: (target, name) => (sql: string) => {
      const statement = (Reflect.get(target, name) as typeof db.prepare).call(target, sql);
      if (!sql.startsWith('UPDATE')) return statement;
      const bind = (...values: readonly unknown[]) => ({
        run: async () => {
          await db.batch(endSecret(db, { owner: OWNER, name: 'a', seq: 9, at: 300 }));
          return await statement.bind(...values).run();
        },
      });
      return { bind };
    },
  });
  await db.prepare(`DELETE FROM secrets WHERE name <> 'a'`).run();
  const step = await rewrapStep(removing, await keysFrom(3, 2), OWNER, undefined);
  expect(step?.rewrapped).toBe(0);
  expect(await versions()).toEqual([]);
});
