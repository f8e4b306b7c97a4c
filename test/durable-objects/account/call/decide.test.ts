import { describe, expect, test } from 'vitest';
import type { Question } from '../../../../src/protocol/account/rpc.ts';
import {
  callOf,
  entriesOf,
  factsOf,
  intentCallOf,
  randomHex,
  snapshotOf,
  stubOf,
  success,
  trust,
} from '../../support.ts';
import { AUDIENCE, branchWith } from '../../tree-support.ts';

/** A payer with one settled payment, and three calls of a thousand each. */
const openPayer = async (settled = 100_000n) => {
  const payer = randomHex(20);
  await trust(payer, settled, 100_000_000n);
  const calls = [1, 2, 3].map(() => ({ call: callOf(payer), attempt: randomHex(16) }));
  const pick = (at: number) => {
    const picked = calls[at];
    if (picked === undefined) throw new Error('no such call');
    return picked;
  };
  const reserve = (at: number): Question => {
    const { call, attempt } = pick(at);
    return ['reserve', call, attempt, { facts: factsOf(100_000_000n, 12) }];
  };
  const finish = (at: number): Question => {
    const { call, attempt } = pick(at);
    return ['finish', call.id, attempt, success];
  };
  return { payer, pick, reserve, finish, stub: stubOf(payer) };
};

const verdictsOf = (all: readonly { readonly verdict: string }[]) =>
  all.map(({ verdict }) => verdict);

describe('several questions in one request', () => {
  test('are answered in order, and stored in one group', async () => {
    const { payer, reserve, finish, stub } = await openPayer();
    const before = await snapshotOf(payer);
    expect(verdictsOf(await stub.decide([reserve(0), reserve(1), finish(0)]))).toEqual([
      'go',
      'go',
      'finished',
    ]);
    const after = await snapshotOf(payer);
    expect(after.rowsWritten - before.rowsWritten).toBe(1);
    expect(after.seq - before.seq).toBe(3);
  });

  test('run a call at most once, however often they ask', async () => {
    const { payer, pick, reserve, finish, stub } = await openPayer();
    const { call } = pick(0);
    const other: Question = ['reserve', call, randomHex(16), {}];
    const verdicts = verdictsOf(await stub.decide([reserve(0), other, reserve(0), other]));
    expect(verdicts).toEqual(['go', 'in_progress', 'go', 'in_progress']);
    expect(verdictsOf(await stub.decide([finish(0), finish(0)]))).toEqual(['finished', 'finished']);
    const own = (await entriesOf(payer)).filter(({ call: of }) => of === call.id);
    expect(own.map(({ type }) => type)).toEqual(['call.accepted', 'call.finished']);
  });

  test('keep the cap on unsettled payments, whatever their number', async () => {
    // Law 7: a deferred call needs as much settled before.
    const { reserve, stub } = await openPayer(2_000n);
    const verdicts = verdictsOf(await stub.decide([reserve(0), reserve(1), reserve(2)]));
    expect(verdicts.filter((verdict) => verdict === 'go').length).toBeLessThan(3);
  });

  test('of another account are refused, and do not refuse the others', async () => {
    const { reserve, stub } = await openPayer();
    const foreign: Question = ['reserve', callOf(randomHex(20)), randomHex(16), {}];
    expect(verdictsOf(await stub.decide([foreign, reserve(0)]))).toEqual(['unavailable', 'go']);
  });

  test('leave one that needs an ancestor to be asked alone, and decide nothing about it', async () => {
    const { agent } = await branchWith(100_000n);
    const stub = stubOf(agent);
    const call = intentCallOf(agent, { price: 500n, settlement: 'credit', audience: AUDIENCE });
    const attempt = randomHex(16);
    const question: Question = ['reserve', call, attempt, { facts: factsOf(0n) }];
    const before = (await snapshotOf(agent)).seq;
    expect(verdictsOf(await stub.decide([question, question]))).toEqual(['alone', 'alone']);
    expect((await snapshotOf(agent)).seq).toBe(before);
    expect((await stub.reserve(call, attempt, { facts: factsOf(0n) })).verdict).toBe('go');
  });
});
