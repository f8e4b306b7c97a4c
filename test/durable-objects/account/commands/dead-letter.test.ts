import { afterEach, describe, expect, test } from 'vitest';
import type { Governed } from '../../../../src/protocol/account/applied.ts';
import type { TreeOrder } from '../../../../src/protocol/account/command.ts';
import type { By, OrderedBy } from '../../../../src/protocol/account/signer.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import { accountOf, entriesOf, randomHex, stubOf } from '../../support.ts';
import { restore } from '../../tree-support.ts';

afterEach(restore);

const operator: By = { account: accountOf(`0x${'0e'.repeat(20)}`), role: 'operator' };

const intentOf = (changes: Partial<OrderedBy> = {}): OrderedBy => ({
  fields: { tool: 'countersign.admin.deadletters.redrive' },
  signature: `0x${'77'.repeat(65)}`,
  digest: randomHex(32),
  attempt: randomHex(16),
  validBefore: nowSeconds() + 300,
  ...changes,
});

const letterOf = (order: OrderedBy, by = operator): TreeOrder => ({
  ...{ kind: 'letter', letter: 'countersign-audit-dead/a/1', queue: 'countersign-audit-dead' },
  ...{ by, order },
});

describe('a letter that was sent again', () => {
  test('is an entry with the signature that ordered it, once for each intent', async () => {
    const self = randomHex(20);
    const order = intentOf();
    expect(await stubOf(self).govern(letterOf(order))).toMatchObject({
      ...{ verdict: 'governed', changed: true, entry: { seq: 1 } },
    });
    const again = { ...order, attempt: randomHex(16) };
    expect(await stubOf(self).govern(letterOf(again))).toEqual({
      ...{ verdict: 'refused', fault: { reason: 'already_used' } },
    });
    // The runtime's own retry hears the same.
    expect(await stubOf(self).govern(letterOf(order))).toMatchObject({ entry: { seq: 1 } });
    expect(await entriesOf(self)).toMatchObject([
      {
        type: 'letter.redriven',
        outcome: { letter: 'countersign-audit-dead/a/1', queue: 'countersign-audit-dead' },
        evidence: { order: order.fields, signature: order.signature, role: 'operator' },
      },
    ]);
  });

  test('is an operator’s to order alone', async () => {
    const self = randomHex(20);
    const owner: By = { account: accountOf(self), role: 'owner' };
    expect(await stubOf(self).govern(letterOf(intentOf(), owner))).toEqual({
      ...{ verdict: 'refused', fault: { reason: 'forbidden' } },
    });
  });
});

describe('a document that is wanted anew', () => {
  test('is entered again, although it is the same', async () => {
    const self = randomHex(20);
    const put = async (anew?: boolean): Promise<Governed> =>
      stubOf(self).govern({
        ...{ kind: 'document', type: 'webhook', name: '*/ops', document: { url: 'https://a.b' } },
        ...{ by: operator, order: intentOf(), ...(anew === undefined ? {} : { anew }) },
      });
    expect(await put()).toMatchObject({ changed: true, entry: { seq: 1 } });
    const same = await put();
    expect(same).toMatchObject({ changed: false });
    expect(same).not.toHaveProperty('entry');
    expect(await put(true)).toMatchObject({ changed: true, entry: { seq: 2 } });
    expect((await entriesOf(self)).map(({ type }) => type)).toEqual(['webhook.put', 'webhook.put']);
  });
});
