import { expect, it } from 'vitest';
import { stepsOf, type StepWords } from '../../../src/audit/call-steps.ts';
import type { Entry } from '../../../src/protocol/entry.ts';

const words: StepWords = {
  account: (account) => `<${account}>`,
  money: (atomic) => `${atomic} units`,
  time: (at) => `@${at}`,
  hash: (hash) => `#${hash}`,
  transaction: (network, hash) => `${network}/${hash}`,
  rule: (rule) => `“${rule}”`,
  text: (text) => text.toUpperCase(),
};

const entry = (more: Partial<Entry>): Entry =>
  ({
    v: 1,
    seq: 4,
    at: 100,
    account: 'eip155:84532:0x0000000000000000000000000000000000000001',
    ...more,
  }) as Entry;

const sentenceOf = (more: Partial<Entry>) => {
  const [step] = stepsOf([entry(more)], words);
  return step && [step.what, ...step.clauses];
};

it('says of an accepted call who signed, which policies applied, and who pays', () => {
  expect(
    sentenceOf({
      type: 'call.accepted',
      amounts: { price: '1000' },
      evidence: { proof: 'intent', policies: [{ kind: 'default' }] },
      payment: { paidBy: 'credit' },
    }),
  ).toEqual([
    'accepted for 1000 units',
    '<eip155:84532:0x0000000000000000000000000000000000000001> signed an intent',
    'policies: default',
    'paid from credit',
  ]);
});

it('says of a denial the limit, and what was spent and held of it', () => {
  const limit = { rule: 'owner:window:day', limit: '9', spent: '5', held: '3', resetsAt: 200 };
  expect(sentenceOf({ type: 'call.denied', rule: 'window', outcome: { limit } })?.[0]).toBe(
    'denied by the rule “owner:window:day” (limit 9 units, spent 5 units, held 3 units, resets @200)',
  );
});

it('names the rule of a denial that has no limit', () => {
  expect(sentenceOf({ type: 'call.denied', rule: 'tool' })?.[0]).toBe('denied by the rule “tool”');
});

it('passes texts of others through the words of the reader', () => {
  expect(
    sentenceOf({
      type: 'call.refunded',
      amounts: { amount: '7' },
      evidence: { by: 'eip155:1:0xaa' },
      outcome: { reason: 'wrong' },
    }),
  ).toEqual(['<eip155:1:0xaa> refunded 7 units as credit: WRONG']);
});

it('reads no amount from a text that is none', () => {
  expect(sentenceOf({ type: 'call.parked', amounts: { price: '1.5' } })?.[0]).toBe(
    'waits for a person at 0 units',
  );
});

it('names the transaction of a settled payment on its network', () => {
  expect(sentenceOf({ type: 'payment.settled', payment: { transaction: '0xab' } })?.[0]).toBe(
    'payment settled in eip155:84532/0xab',
  );
});

it('says who presented a payment again', () => {
  const evidence = { by: 'eip155:1:0xaa' };
  expect(sentenceOf({ type: 'settlement.redriven', evidence })).toEqual([
    '<eip155:1:0xaa> presented the payment again',
  ]);
});

it('says what a metered call used', () => {
  expect(
    sentenceOf({
      type: 'call.finished',
      decision: 'committed',
      amounts: { charged: '8' },
      outcome: { status: 200, reason: 'answered', usage: { input_tokens: 2, output_tokens: 12 } },
    })?.[0],
  ).toBe(
    'committed (status 200, ANSWERED): charged 8 units for 2 input tokens and 12 output tokens',
  );
});
