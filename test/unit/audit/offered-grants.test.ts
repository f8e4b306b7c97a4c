import { beforeEach, expect, test } from 'vitest';
import type { Entry, Json } from '../../../src/protocol/entry.ts';
import { projectOfferedGrant } from '../../../src/audit/offered-grant-entries.ts';
import { openOfferedGrants, pruneOfferedGrants } from '../../../src/audit/offered-grants.ts';
import { db, freshDatabase } from './database.ts';
import { accountOf, history, START, word } from './history.ts';

const OWNER = accountOf(1);
const offered = openOfferedGrants(db);

beforeEach(freshDatabase);

const issued = (
  n: number,
  decision: string,
  evidence: { readonly [key: string]: Json } = {},
): Entry => {
  const [entry] = history(OWNER, [
    {
      ...{ type: 'grant.issued', at: START, decision },
      evidence: { grant: word(n), delegation: { validUntil: `${START + 100}` }, ...evidence },
    },
  ]);
  return entry as Entry;
};

const project = async (entry: Entry): Promise<number> => {
  const statements = projectOfferedGrant(db, entry);
  if (statements.length > 0) await db.batch(statements);
  return statements.length;
};

test('a grant is found by its hash, whether the request or its entry wrote the row', async () => {
  await offered.keep({ hash: word(1), issuer: OWNER, validUntil: START + 100 });
  expect(await project(issued(1, 'offered'))).toBe(1);
  expect(await project(issued(2, 'offered'))).toBe(1);
  expect(await offered.issuerOf(word(1))).toBe(OWNER);
  expect(await offered.issuerOf(word(2))).toBe(OWNER);
  expect(await offered.issuerOf(word(3))).toBeUndefined();
});

test('a grant registered with its delegate’s consent has no row', async () => {
  expect(await project(issued(1, 'active'))).toBe(0);
  expect(await project({ ...issued(1, 'offered'), type: 'grant.taken' })).toBe(0);
  expect(await project(issued(1, 'offered', { grant: 7 }))).toBe(0);
  expect(await project(issued(1, 'offered', { delegation: {} }))).toBe(0);
});

test('a row is deleted when its grant has expired, and not before', async () => {
  await project(issued(1, 'offered'));
  await pruneOfferedGrants(db, START + 99);
  expect(await offered.issuerOf(word(1))).toBe(OWNER);
  await pruneOfferedGrants(db, START + 100);
  expect(await offered.issuerOf(word(1))).toBeUndefined();
});
