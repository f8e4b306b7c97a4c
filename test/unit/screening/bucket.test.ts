import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { listKey, openStoredLists } from '../../../src/screening/stored-lists.ts';

/** The real local R2. */
const bucket = (env as unknown as { AUDIT_ARCHIVE: R2Bucket }).AUDIT_ARCHIVE;
const PAYER = `0x${'ab'.repeat(20)}` as const;

test('a list in R2 is revalidated by its ETag, and read again when it has changed', async () => {
  let now = 0;
  const has = openStoredLists(bucket, () => now);
  const later = (): Promise<boolean | undefined> => {
    now += 61_000;
    return has('real', PAYER);
  };
  expect(await has('real', PAYER)).toBeUndefined();
  await bucket.put(listKey('real'), `# listed\n${PAYER.toUpperCase().replace('X', 'x')}\n`);
  expect(await later()).toBe(true);
  expect(await later()).toBe(true);
  await bucket.put(listKey('real'), '# nobody\n');
  expect(await has('real', PAYER)).toBe(true);
  expect(await later()).toBe(false);
  await bucket.delete(listKey('real'));
  expect(await later()).toBeUndefined();
});
