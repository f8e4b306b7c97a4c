import { env } from 'cloudflare:workers';
import { beforeEach, expect, test } from 'vitest';
import { openOfferedGrants } from '../../src/audit/offered-grants.ts';
import { runScheduled } from '../../src/scheduled.ts';
import { db, freshDatabase } from './audit/database.ts';
import { accountOf, START, word } from './audit/history.ts';
import { vectorConfig } from './gateway/signing.ts';

beforeEach(freshDatabase);

test('deletes expired offered grants', async () => {
  const offered = openOfferedGrants(db);
  const issuer = accountOf(1);
  await offered.keep({ hash: word(1), issuer, validUntil: START });
  await offered.keep({ hash: word(2), issuer, validUntil: START + 1 });
  // Without a node nothing is reconciled.
  await runScheduled(env, { ...vectorConfig(), rpcUrls: new Map() }, START);
  expect(await offered.issuerOf(word(1))).toBeUndefined();
  expect(await offered.issuerOf(word(2))).toBe(issuer);
});
