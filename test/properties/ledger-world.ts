import { type CallRecord, isFinal } from '../../durable-objects/account/call/call-record.ts';
import { CALL } from '../../durable-objects/account/call/stored-call.ts';
import { conclude } from '../../durable-objects/account/call/conclude.ts';
import { expire } from '../../durable-objects/account/call/expire.ts';
import { finish } from '../../durable-objects/account/call/finish.ts';
import { NO_PROGRESS } from '../../durable-objects/account/call/progress.ts';
import { reserveWithApproval } from '../../durable-objects/account/call/park.ts';
import { decideApproval } from '../../durable-objects/account/commands/approval.ts';
import type { Context, Decision } from '../../durable-objects/account/decision.ts';
import { EMPTY_PURSE, exposed, purseOf, withPurse } from '../../durable-objects/account/purse.ts';
import { type AccountState, emptyAccount } from '../../durable-objects/account/state.ts';
import { put } from '../../durable-objects/store/noun.ts';
import { valuesOf } from './values-of.ts';
import { entryHash, GENESIS } from '../../src/audit/entry.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { accountId, assetId } from '../../src/protocol/account-id.ts';
import type { Call, Evidence } from '../../src/protocol/account/call.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import { ALONE } from './alone.ts';
import { expect } from 'vitest';
import type { Plan, Step } from './ledger-plans.ts';

const START = 1_800_000_000;
const hex = (n: number, bytes: number): Hex => `0x${n.toString(16).padStart(bytes * 2, '0')}`;
const payer = hex(0xaa, 20);
const payTo = hex(0xbb, 20);
const token = {
  network: 'eip155:84532',
  address: hex(0xcc, 20),
  name: 'USDC',
  version: '2',
} as const;
const asset = assetId(token.network, token.address);
const account = accountId(token.network, payer);

const EXPOSURE = 60n;
/** Calls above this price wait for approval. */
const ABOVE = 6n;
const policy: Policy = {
  approveAbove: ABOVE,
  perCall: 35n,
  exposure: EXPOSURE,
  rate: { limit: 1_000, seconds: 60 },
  windows: [{ every: 'hour', limit: 55n }],
  deny: [],
  require: [],
};

/** How often the runs reached these outcomes. Runs that reach none prove nothing about them. */
export const reached = { approved: 0, refused: 0, expired: 0 };

/** An account with a chain, a caller and an operator. After each step, it checks the laws. */
export const newWorld = (plans: readonly Plan[], funds: bigint, trust: bigint) => {
  let state: AccountState = withPurse(emptyAccount(account), asset, {
    ...EMPTY_PURSE,
    settled: trust,
  });
  const records = new Map<Hex, CallRecord>();
  const moved = new Map<Hex, { block: number }>();
  const runs = new Map<Hex, Set<Hex>>();
  const accepted = new Map<Hex, Call>();
  const loose: Entry[] = [];
  const refused = new Set<Hex>();
  let now = START;
  let block = 100;
  let balance = funds;
  let salt = 0;
  const context = (): Context => ({
    ...ALONE,
    now,
    policy,
    policyHash: hex(9, 32),
    salt: () => hex(++salt, 16),
  });
  const idOf = (index: number): Hex => hex(index + 1, 32);

  const callOf = (index: number): Call => {
    const { price, settlement, onSilence, life, binding } = plans[index] as Plan;
    const nonce = idOf(index);
    const free = settlement === 'free';
    const validBefore = START + life;
    return {
      account,
      id: nonce,
      request: hex(index, 32),
      tool: 'tool',
      proof: free ? 'intent' : 'x402',
      binding,
      // Every attempt shows the intent's secret: a waiting call runs only for a repeat with its secret.
      ...(binding === 'intent' ? { showsSecret: true } : {}),
      settlement,
      onSilence,
      timeoutSeconds: 10,
      asset,
      payTo,
      price: free ? 0n : BigInt(price),
      validBefore,
      execute: now < validBefore - 6,
      ...(free
        ? {}
        : {
            payment: {
              token,
              signature: hex(7, 65),
              maxTimeoutSeconds: life,
              authorization: {
                from: payer,
                to: payTo,
                value: BigInt(price),
                validAfter: 0n,
                validBefore: BigInt(validBefore),
                nonce,
              },
            },
          }),
    };
  };

  const factsOf = (index: number): Evidence => ({
    facts: {
      hasCode: false,
      balance,
      asset,
      block,
      nonceUsed: moved.has(idOf(index)),
      at: now,
    },
  });

  const apply = <Verdict>(decision: Decision<Verdict>): Verdict => {
    state = decision.state;
    for (const record of valuesOf(decision.writes, CALL)) records.set(record.id, record);
    loose.push(...decision.entries);
    bounds();
    return decision.verdict;
  };

  const bounds = (): void => {
    const purse = purseOf(state, asset);
    for (const amount of [
      purse.creditHeld,
      purse.deferredHeld,
      purse.upfrontHeld,
      purse.unsettled,
      purse.settled,
    ]) {
      expect(amount >= 0n).toBe(true);
    }
    // The window's limit (law 6), and the exposure: at most the cap, and at most what has settled here (law 7).
    for (const window of Object.values(purse.windows))
      expect(window.spent + window.held <= 55n).toBe(true);
    expect(exposed(purse) <= EXPOSURE).toBe(true);
    expect(exposed(purse) <= purse.settled).toBe(true);
  };

  const hear = (id: Hex): void => {
    const record = records.get(id);
    const call = accepted.get(id);
    if (record === undefined || call === undefined) return;
    const at = moved.get(id);
    const expired = now > call.validBefore;
    const outcome =
      at !== undefined
        ? ({ outcome: 'settled', transaction: hex(1, 32), block: at.block } as const)
        : !expired
          ? ({ outcome: 'sent', backend: 'x' } as const)
          : record.payment === 'queued' || record.payment === 'sent'
            ? balance >= record.price
              ? ({ outcome: 'failed', fault: 'gateway', reason: 'not_presented' } as const)
              : ({ outcome: 'failed', fault: 'payer', reason: 'unfunded' } as const)
            : ({ outcome: 'released' } as const);
    const told = conclude(state, record, outcome, context());
    if (told.isNews) {
      apply({
        ...{ state: told.state, writes: [put(CALL, told.record)] },
        ...{ entries: [], verdict: undefined },
      });
    }
  };

  const attempt = (index: number, which: number, evidence: Evidence): void => {
    const call = callOf(index);
    const verdict = apply(
      reserveWithApproval({
        ...{ state, record: records.get(call.id), call, attempt: hex(which + 1, 16), evidence },
        ...{ progress: NO_PROGRESS, context: context() },
      }),
    );
    if (records.has(call.id) && !accepted.has(call.id)) accepted.set(call.id, call);
    if (verdict.verdict === 'go' || verdict.verdict === 'settle') {
      const { price, entries } = records.get(call.id) as CallRecord;
      if (price > ABOVE) {
        expect(entries.map(({ type }) => type)).toContain('call.approved');
        reached.approved += 1;
      }
    }
    if (verdict.verdict === 'go') {
      const seen = runs.get(call.id) ?? new Set();
      runs.set(call.id, seen.add(hex(which + 1, 16)));
      const record = records.get(call.id) as CallRecord;
      // The payment of a payer without a settled payment must move before the tool runs (law 7).
      if (record.paidBy === 'upfront') expect(moved.has(call.id)).toBe(true);
    }
  };

  return {
    take(one: Step): void {
      switch (one.do) {
        case 'wait':
          now += one.seconds;
          for (const record of records.values()) {
            const ended = expire(state, record, context());
            if (ended !== undefined)
              apply({
                state: ended.state,
                writes: [put(CALL, ended.record)],
                entries: [],
                verdict: undefined,
              });
          }
          return;
        case 'reserve':
          return attempt(one.call, one.attempt, one.facts ? factsOf(one.call) : {});
        case 'tellUpfront': {
          const at = moved.get(idOf(one.call));
          if (at !== undefined)
            attempt(one.call, one.attempt, {
              settlement: { outcome: 'settled', transaction: hex(1, 32), block: at.block },
            });
          return;
        }
        case 'finish': {
          const record = records.get(idOf(one.call));
          if (record === undefined) return;
          const success = one.how === 'answered';
          apply(
            finish(
              state,
              record,
              record.attempt,
              { success, status: success ? 200 : 500, digest: 'none', reason: one.how },
              context(),
            ),
          );
          return;
        }
        case 'move': {
          // Anyone who has the signature may settle the payment while it is valid (EIP-3009).
          const call = accepted.get(idOf(one.call));
          if (
            call?.payment === undefined ||
            moved.has(call.id) ||
            now >= call.validBefore ||
            balance < call.price
          )
            return;
          if (records.get(call.id)?.held === undefined) return;
          balance -= call.price;
          moved.set(call.id, { block: ++block });
          return;
        }
        case 'decide': {
          // Prefers a waiting call, because few of the eight calls wait.
          const waiting = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((at) =>
            records.get(idOf(at))?.state === 'parked' ? [at] : [],
          );
          const target =
            (one.call < 6 ? waiting[one.call % waiting.length] : undefined) ?? one.call;
          const record = records.get(idOf(target));
          const decision = one.approves ? 'approved' : 'refused';
          const verdict = apply(
            decideApproval(
              state,
              record,
              {
                ...{ kind: 'approval', call: idOf(target), decision },
                by: { account: accountId(token.network, payTo), role: 'operator' },
                intent: { fields: {}, signature: '0x' },
              },
              context(),
            ),
          );
          // A refused call must never run.
          if (verdict.verdict === 'applied' && !one.approves) refused.add(idOf(target));
          if (one.approves && one.repeats) attempt(target, 2, factsOf(target));
          return;
        }
        case 'drain':
          balance = 0n;
          return;
        case 'hear':
          return hear(idOf(one.call));
      }
    },
    settleEverything(): void {
      for (let round = 0; round < 4; round += 1) {
        this.take({ do: 'wait', seconds: 4_000 });
        for (const id of records.keys()) hear(id);
      }
    },
    check(): void {
      const purse = purseOf(state, asset);
      let received = 0n;
      let delivered = 0n;
      let lost = 0n;
      for (const record of records.values()) {
        expect(isFinal(record)).toBe(true);
        expect((runs.get(record.id)?.size ?? 0) <= (refused.has(record.id) ? 0 : 1)).toBe(true);
        if (record.entries.some(({ decision }) => decision === 'expired')) reached.expired += 1;
        if (refused.has(record.id)) reached.refused += 1;
        expect(record.held?.signature).toBeUndefined();
        if (moved.has(record.id)) received += record.price;
        delivered += record.charged;
        const failure = record.entries.find(({ type }) => type === 'payment.failed');
        if (failure?.payment?.fault === 'gateway') lost += record.price;
      }
      expect(purse.deferredHeld + purse.upfrontHeld + purse.creditHeld + purse.unsettled).toBe(0n);
      // Money that the chain moved to the gateway is either charged or the payer's credit. Negative credit is a debt (law 5).
      expect(purse.credit).toBe(received - delivered + lost);
      const chain = [...records.values()]
        .flatMap(({ entries }) => entries)
        .concat(loose)
        .toSorted((a, b) => a.seq - b.seq);
      let head = GENESIS;
      for (const entry of chain) {
        expect({ seq: entry.seq, prev: entry.prev }).toEqual({
          seq: head.seq + 1,
          prev: head.hash,
        });
        head = { seq: entry.seq, hash: entryHash(entry) };
      }
      expect(head).toEqual(state.head);
    },
  };
};
