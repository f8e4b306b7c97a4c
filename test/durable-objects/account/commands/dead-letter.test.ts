import { afterEach, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { CommandVerdict } from '../../../../src/protocol/account/command-verdict.ts';
import type {
  AccountCommand,
  CommandIntent,
  CommandSigner,
} from '../../../../src/protocol/account/command.ts';
import { accountOf, entriesOf, randomHex, stubOf } from '../../support.ts';
import { restore } from '../../tree-support.ts';

afterEach(restore);

const operator: CommandSigner = { account: accountOf(`0x${'0e'.repeat(20)}`), role: 'operator' };

const intentOf = (changes: Partial<CommandIntent> = {}): CommandIntent => ({
  fields: { tool: 'countersign.admin.deadletters.redrive' },
  signature: `0x${'77'.repeat(65)}`,
  digest: randomHex(32),
  attempt: randomHex(16),
  validBefore: nowSeconds() + 300,
  ...changes,
});

const redriveOf = (intent: CommandIntent, by = operator): AccountCommand => ({
  ...{ kind: 'deadLetter', id: 'countersign-audit-dead/a/1', queue: 'countersign-audit-dead' },
  ...{ by, intent },
});

describe('a dead letter that an operator sent again', () => {
  test('is one entry for each intent, with the signature of its command', async () => {
    const self = randomHex(20);
    const intent = intentOf();
    expect(await stubOf(self).apply(redriveOf(intent))).toMatchObject({
      ...{ verdict: 'applied', changed: true, entry: { seq: 1 } },
    });
    const again = { ...intent, attempt: randomHex(16) };
    expect(await stubOf(self).apply(redriveOf(again))).toEqual({
      ...{ verdict: 'refused', fault: { reason: 'already_used' } },
    });
    // A retry by the runtime has the same attempt and gets the same answer.
    expect(await stubOf(self).apply(redriveOf(intent))).toMatchObject({ entry: { seq: 1 } });
    expect(await entriesOf(self)).toMatchObject([
      {
        type: 'letter.redriven',
        outcome: { letter: 'countersign-audit-dead/a/1', queue: 'countersign-audit-dead' },
        evidence: { order: intent.fields, signature: intent.signature, role: 'operator' },
      },
    ]);
  });

  test('rejects the command of an owner', async () => {
    const self = randomHex(20);
    const owner: CommandSigner = { account: accountOf(self), role: 'owner' };
    expect(await stubOf(self).apply(redriveOf(intentOf(), owner))).toEqual({
      ...{ verdict: 'refused', fault: { reason: 'forbidden' } },
    });
  });
});

describe('a document put with `anew`', () => {
  test('is entered again although it is unchanged', async () => {
    const self = randomHex(20);
    const put = async (anew?: boolean): Promise<CommandVerdict> =>
      stubOf(self).apply({
        ...{ kind: 'document', type: 'webhook', name: '*/ops', document: { url: 'https://a.b' } },
        ...{ by: operator, intent: intentOf(), ...(anew === undefined ? {} : { anew }) },
      });
    expect(await put()).toMatchObject({ changed: true, entry: { seq: 1 } });
    const same = await put();
    expect(same).toMatchObject({ changed: false });
    expect(same).not.toHaveProperty('entry');
    expect(await put(true)).toMatchObject({ changed: true, entry: { seq: 2 } });
    expect((await entriesOf(self)).map(({ type }) => type)).toEqual(['webhook.put', 'webhook.put']);
  });
});
