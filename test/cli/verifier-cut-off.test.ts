import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { EntryBody, Json } from '../../src/protocol/entry.ts';
import {
  CHIEF,
  cutOffLog,
  type DEEDS,
  LATER_CALL,
  MANAGER,
  naming,
  OWNER,
  STRANGER,
} from '../support/cut-off-log.ts';
import { textOf } from '../support/verify-log.ts';
import { findingOf, isMissing, verifyInBoth, why } from './support/python-verifier.ts';

const directory = mkdtempSync(join(tmpdir(), 'countersign-cut-off-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;

type Deed = keyof typeof DEEDS;

/** The verdict of a check, on which both verifiers must agree, or its first fault. */
const judged = async (
  check: 'calls' | 'limits' | 'totals',
  deed: Deed | undefined,
  own: readonly EntryBody[],
  missing?: AccountId,
): Promise<string> => {
  files += 1;
  const path = join(directory, `${files}.ndjson`);
  const logs = [...cutOffLog(deed, own)].filter(([account]) => account !== missing);
  writeFileSync(path, logs.map(([, entries]) => textOf(entries)).join(''));
  const { verdict, first } = findingOf((await verifyInBoth([path])).report, check);
  return first === undefined ? verdict : `${first['field']}: ${first['reason']}`;
};

const WRONG = 'outcome.ancestors: wrong_grant';
const BY_OWNER = 'the owner revokes the grant of the chief';

describe.skipIf(isMissing)(
  `the verifiers on the ancestors that remain after a cut-off${why}`,
  () => {
    it.each<[string, Deed, Json]>([
      ['the owner alone', BY_OWNER, [OWNER]],
      ['the owner alone', 'the owner revokes all its grants', [OWNER]],
      ['the owner alone', 'the account of the owner is revoked', [OWNER]],
      ['the chief and the owner', 'the chief revokes the grant of the manager', [CHIEF, OWNER]],
      ['the chief and the owner', 'the chief gives up its own grant', [CHIEF, OWNER]],
      ['the chief and the owner', 'the chief takes a grant of a stranger', [CHIEF, OWNER]],
    ])('prove %s after %s', async (_, deed, named) => {
      expect(await judged('calls', deed, [naming(named)])).toBe('proved');
      expect(await judged('totals', deed, [naming(named)])).toBe('proved');
    });

    it.each<[string, readonly EntryBody[]]>([
      ['a stranger', [naming([STRANGER])]],
      ['a stranger beside the owner', [naming([STRANGER, OWNER])]],
      ['accounts in another order', [naming([OWNER, CHIEF])]],
      ['a list without the owner', [naming([MANAGER, CHIEF])]],
      ['all that were there', [naming([MANAGER, CHIEF, OWNER])]],
      ['nobody', [naming([])]],
      ['no list', [naming(null)]],
      ['the same twice', [naming([OWNER]), naming([OWNER])]],
      ['one that was cut off before', [naming([OWNER]), naming([CHIEF, OWNER])]],
      ['the rest of a grant in the entry that takes it', [naming([OWNER], 'grant.taken')]],
    ])('find %s broken', async (_, own) => {
      expect(await judged('calls', BY_OWNER, own)).toBe(WRONG);
    });

    it.each<[string, Deed | undefined, Json]>([
      ['a cut-off that nobody made', undefined, [OWNER]],
      ['the cut-off of an account whose grant lives', 'the owner revokes another grant', [OWNER]],
      [
        'a cut-off higher than the revocation',
        'the chief revokes the grant of the manager',
        [OWNER],
      ],
      ['a cut-off lower than the revocation', BY_OWNER, [CHIEF, OWNER]],
    ])('find %s broken by the chains above', async (_, deed, named) => {
      expect(await judged('totals', deed, [naming(named)])).toBe(WRONG);
    });

    it('call it bounded without the chain of the account that made it', async () => {
      expect(await judged('totals', undefined, [naming([OWNER])], OWNER)).toBe('bounded');
    });

    it('find a call broken that runs under the grant after its owner cut the branch off', async () => {
      const later = 'payment.grant: wrong_grant';
      expect(await judged('limits', BY_OWNER, [LATER_CALL])).toBe('not checked');
      expect(await judged('limits', BY_OWNER, [naming([OWNER]), LATER_CALL])).toBe(later);
      // The chief may consent to its owner again, which makes the grants below it valid again.
      const moved = 'the chief takes a grant of a stranger';
      expect(await judged('limits', moved, [naming([CHIEF, OWNER]), LATER_CALL])).toBe(
        'not checked',
      );
    });
  },
);
