import { describe, expect, it } from 'vitest';
import { CountersignError } from '../../../src/client/errors.ts';
import type { CallRecord } from '../../../src/client/call-record.ts';
import {
  completed,
  keptAnswer,
  lookUpProblem,
  unendedText,
} from '../../../src/pay/payment-look-up.ts';
import { AUTHORIZATION_USED } from '../../../src/settlement/chain/token-calls.ts';
import { purchaseWallet } from '../dashboard/payment/purchase-fixture.ts';
import type { PaymentRecord } from '../../../src/pay/payment-record.ts';

const SENT: PaymentRecord = {
  at: 1_795_791_600,
  wallet: 'example.wallet',
  payer: `0x${'1'.repeat(40)}`,
  network: 'eip155:84532',
  call: `0x${'2'.repeat(64)}`,
  amount: 20_000n,
  pays: 'payment',
};

const known = (change: Partial<CallRecord>): CallRecord => ({
  call: SENT.call,
  tool: 'lookup',
  request: `0x${'3'.repeat(64)}`,
  binding: 'intent',
  state: 'committed',
  asset: 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e',
  price: 20_000n,
  charged: 20_000n,
  paidFrom: 'payment',
  payment: 'queued',
  acceptedAt: SENT.at,
  entry: `0x${'4'.repeat(64)}`,
  policy: `0x${'5'.repeat(64)}`,
  ...change,
});

describe('a payment that was looked up', () => {
  it('has the answer that the gateway kept', () => {
    const body = new TextEncoder().encode('{"a":1}') as Uint8Array<ArrayBuffer>;
    const answer = { status: 200, headers: { 'content-type': 'application/json' }, body };
    const record = completed(SENT, known({ answer }));
    expect(record.outcome).toMatchObject({ status: 200, charged: 20_000n, credited: 0n });
    expect(keptAnswer('lookup', record)?.text).toBe('{\n  "a": 1\n}');
  });

  it('never says that it costs nothing while the call runs', () => {
    expect(unendedText({ state: 'held' })).not.toContain('costs nothing');
    expect(unendedText({ state: 'parked' })).toContain('costs nothing');
  });

  it('is not lost when the look-up fails, and the person reads what to do', async () => {
    const declined = new CountersignError('signer_failed', 'The account did not sign.', {
      cause: { code: 4902 },
    });
    for (const thrown of [declined, { code: 4902 }])
      expect(await lookUpProblem(thrown, SENT, purchaseWallet())).toContain(
        'Add Base Sepolia in the settings',
      );
    const unknown = new CountersignError('look_failed', 'The gateway answered 503.');
    expect(await lookUpProblem(unknown, SENT, purchaseWallet())).toBe(
      'The gateway answered 503. Try again later. Looking costs nothing.',
    );
  });

  it('has no outcome while the call runs or waits for a person', () => {
    for (const state of ['held', 'parked']) expect(completed(SENT, known({ state }))).toBe(SENT);
  });

  it.each(['held', 'queued', 'sent'])('has no outcome while its money may move: %s', (payment) => {
    const failed = known({ state: 'released', charged: 0n, payment });
    expect(completed(SENT, failed)).toBe(SENT);
    expect(unendedText(failed)).toContain('may still move');
  });

  it('is credit if the money had moved and the tool failed', () => {
    const failed = { state: 'released', charged: 0n } as const;
    expect(completed(SENT, known({ ...failed, payment: 'settled' })).outcome?.credited).toBe(
      20_000n,
    );
    expect(completed(SENT, known({ ...failed, payment: 'released' })).outcome?.credited).toBe(0n);
  });
});

describe('a payment whose call the gateway does not know', () => {
  const unknown = new CountersignError('unknown_call', 'The gateway has no call.');
  const END = SENT.at + 3600;
  const log = { transactionHash: SENT.call, topics: [AUTHORIZATION_USED] };

  it.each([
    [{ isUsed: false, chainTime: END + 60 }, 'no money left the wallet'],
    [{ isUsed: false, chainTime: END + 59 }, 'can still move the money'],
    [{ isUsed: true, chainTime: END, log }, 'the money moved in the transaction'],
    [{ isUsed: true, chainTime: END }, 'was used or cancelled on the chain'],
    [{ chainTime: END + 60 }, 'the money may have moved'],
  ])('is what the chain shows of it: %j', async (rules, text) => {
    expect(await lookUpProblem(unknown, SENT, purchaseWallet(rules))).toContain(text);
  });

  it('is no matter of the chain if credit was to pay', async () => {
    const wallet = purchaseWallet({ isUsed: false });
    const text = await lookUpProblem(unknown, { ...SENT, pays: 'credit' }, wallet);
    expect(text).toContain('or has already forgotten it');
    expect(wallet.asked).toEqual([]);
  });
});
