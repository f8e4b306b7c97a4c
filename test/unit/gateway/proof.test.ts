import { describe, expect, it } from 'vitest';
import { readProof } from '../../../src/gateway/proof.ts';
import { BOUND_VALID_AFTER } from '../../../src/protocol/intent/binding.ts';
import { AGENT_INTENT_TYPE } from '../../../src/protocol/intent/agent-intent.ts';
import { encodeBase64Url, utf8 } from '../../../src/crypto/bytes.ts';
import vectors from '../../vectors/countersign-v1.json';
import { paymentHeader, paymentOf } from './signing.ts';

type Wire = { readonly [key: string]: unknown };

const agentIntent = (intent: Wire) => ({
  'Agent-Intent': encodeBase64Url(
    utf8(
      JSON.stringify({
        v: 1,
        chainId: '84532',
        intent,
        signature: vectors.unpaid.signature,
      }),
    ),
  ),
});

const good: Wire = vectors.paid.intent;
const boundPayment = async (intent: Wire) =>
  paymentHeader({
    ...(await paymentOf({ validAfter: BOUND_VALID_AFTER })),
    extensions: { 'agent-intent': { info: { intent } } },
  });

const CARRIERS = [
  ['Agent-Intent', 'Agent-Intent.intent', async (intent: Wire) => agentIntent(intent)],
  ['PAYMENT-SIGNATURE', 'PAYMENT-SIGNATURE.extensions.agent-intent.info.intent', boundPayment],
] as const;

const fields = AGENT_INTENT_TYPE.replace(/^AgentIntent\(|\)$/g, '')
  .split(',')
  .map((field) => field.split(' ')[1] ?? '');
/** Fields that accept any printable text. */
const TEXTS = new Set(['audience', 'tool', 'method', 'target', 'contentType']);
const never: readonly unknown[] = [true, 1e3, 5, null, {}, ['5']];
const noNumber: readonly unknown[] = ['0x10', '', ' 5 ', '1e3', '+5', '05', '-1', '5.0'];

describe.each(CARRIERS)('an intent in %s', (_, root, carry) => {
  const fault = async (intent: Wire) => {
    const claimed = readProof(new Headers(await carry(intent)));
    return claimed.ok ? undefined : claimed.error;
  };

  it('has all fourteen fields', async () => {
    expect(fields).toHaveLength(14);
    expect(await fault(good)).toBeUndefined();
  });

  it.each(fields)('is rejected without %s', async (field) => {
    const { [field]: _value, ...rest } = good;
    expect(await fault(rest)).toMatchObject({
      reason: 'malformed_field',
      field: `${root}.${field}`,
    });
  });

  it.each(fields)('is rejected with %s of another type or form', async (field) => {
    const wrong = TEXTS.has(field)
      ? [...never, 'a\n', 'ä', 'x'.repeat(4_097)]
      : [...never, ...noNumber];
    for (const value of wrong) {
      const found = await fault({ ...good, [field]: value });
      // A text that exceeds its field may also exceed the header.
      expect(found, `${field} = ${JSON.stringify(value)}`).toMatchObject({
        reason: 'malformed_field',
        field: `${root}.${field}`,
      });
    }
  });

  it('is rejected with an additional or misspelt key', async () => {
    for (const key of ['extra', 'maxamount', 'chainId', 'signature'])
      expect(await fault({ ...good, [key]: '1' })).toMatchObject({
        reason: 'unknown_field',
        field: `${root}.${key}`,
      });
  });
});

describe('readProof', () => {
  it('rejects two proofs in any combination', async () => {
    const intent = agentIntent(vectors.unpaid.intent);
    const payment = await boundPayment(good);
    const old = { 'X-PAYMENT': 'e30=' };
    for (const headers of [
      { ...intent, ...payment },
      { ...intent, ...old },
      { ...payment, ...old },
      { ...intent, ...payment, ...old },
    ]) {
      const claimed = readProof(new Headers(headers));
      expect(claimed).toMatchObject({
        ok: false,
        error: { reason: 'too_many_proofs', fields: expect.any(Array) as unknown[] },
      });
    }
  });

  it('rejects a repeated proof', () => {
    const { 'Agent-Intent': value } = agentIntent(vectors.unpaid.intent);
    const headers = new Headers([
      ['Agent-Intent', value],
      ['Agent-Intent', value],
    ]);
    expect(readProof(headers)).toMatchObject({ ok: false, error: { reason: 'duplicate_header' } });
  });
});
