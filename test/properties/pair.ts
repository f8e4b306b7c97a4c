import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { expect } from 'vitest';
import { nowSeconds } from '../../src/core/clock.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Call, CallStatus, Evidence, Outcome } from '../../src/protocol/account/call.ts';
import type { SettlementOutcome, SettlementResult } from '../../src/protocol/payment.ts';
import {
  accountOf,
  asset,
  callOf,
  entriesOf,
  factsOf,
  intentCallOf,
  randomHex,
  snapshotOf,
  stubOf,
  topUpOf,
} from '../durable-objects/support.ts';
import { creditByLog, sum } from './balance.ts';
import type { Plan, Step } from './steps.ts';

const BLOCK = 100;

/** Two real accounts, and the state of the gateway and the chain around them. */
export type Pair = {
  /** Takes a step. For a race, a caller takes the next step without awaiting this one. */
  readonly take: (step: Step) => Promise<void>;
  readonly ring: () => Promise<void>;
  /** Settles or ends every payment, and reports the outcomes to the accounts. */
  readonly rest: () => Promise<void>;
  /** Runs the alarm of each account with open work. */
  readonly arrive: () => Promise<void>;
  /** Throws if a ledger does not equal the chain. */
  readonly check: () => Promise<void>;
};

type Known = {
  readonly plan: Plan;
  readonly payer: Hex;
  readonly call: Call;
  /** Attempts that received the verdict to run. */
  readonly ran: Set<Hex>;
  accepted: boolean;
  paysItself: boolean;
  attempt: Hex | undefined;
  moved: boolean;
  cancelled: boolean;
};

export const openPair = (plans: readonly Plan[]): Pair => {
  const start = nowSeconds();
  const payers = [randomHex(20), randomHex(20)] as const;
  const payerAt = (index: number): Hex => payers[index % 2 === 0 ? 0 : 1];
  const refunds = new Map<string, { readonly of: Hex; readonly amount: bigint }>();
  const refundsIn = randomHex(32);
  const refundedCalls = new Map<Hex, bigint>();

  const knowns = plans.map((plan): Known => {
    const payer = payerAt(plan.payer);
    const changes = {
      price: plan.price,
      onSilence: plan.onSilence,
      validBefore: start + plan.life,
    } as const;
    const callBy = (): Call => {
      switch (plan.kind) {
        case 'topUpOwn':
          return topUpOf(payer, plan.price, changes);
        case 'topUpOther':
          return topUpOf(payer, plan.price, {
            ...changes,
            topUp: { to: accountOf(payerAt(plan.payer + 1)) },
          });
        case 'intent':
        case 'free':
          return intentCallOf(payer, {
            ...changes,
            settlement: plan.kind === 'free' ? 'free' : 'upfront',
          });
        case 'deferred':
        case 'upfront':
        case 'credit':
          return callOf(payer, { ...changes, settlement: plan.kind });
      }
    };
    return {
      plan,
      payer,
      call: callBy(),
      ran: new Set(),
      accepted: false,
      paysItself: false,
      attempt: undefined,
      moved: false,
      cancelled: false,
    };
  });
  const knownAt = (index: number): Known => knowns[index] as Known;

  const settledOf = ({ call }: Known): SettlementOutcome => ({
    outcome: 'settled',
    transaction: call.id,
    block: BLOCK,
  });

  const reserve = async (known: Known, attempt: Hex, evidence: Evidence): Promise<void> => {
    const execute = nowSeconds() < known.call.validBefore - 6;
    const verdict = await stubOf(known.payer).reserve(
      { ...known.call, execute },
      attempt,
      evidence,
    );
    if (verdict.verdict !== 'go' && verdict.verdict !== 'settle') return;
    known.accepted = true;
    known.attempt = attempt;
    known.paysItself = verdict.paidFrom === 'payment';
    if (verdict.verdict === 'go') known.ran.add(attempt);
  };

  const move = (known: Known): void => {
    const ended = known.moved || known.cancelled || nowSeconds() >= known.call.validBefore;
    if (!ended && known.paysItself) known.moved = true;
  };

  const finish = async (known: Known, outcome: Outcome): Promise<void> => {
    const attempt = [...known.ran][0] ?? known.attempt ?? randomHex(16);
    await stubOf(known.payer).finish(known.call.id, attempt, outcome);
  };

  const resolve = async ({ payer, call: { id: call } }: Known, charge: boolean): Promise<void> => {
    const by = { account: accountOf(payer), role: 'operator' } as const;
    const intent = { fields: {}, signature: '0x' } as const;
    await stubOf(payer).apply({ kind: 'resolve', call, charge, reason: 'asked', by, intent });
  };

  const facts = (): Evidence => ({ facts: factsOf(1_000_000n, BLOCK - 1) });

  const next = async (known: Known, outcome: Outcome): Promise<void> => {
    if (!known.accepted) return reserve(known, randomHex(16), facts());
    if (known.ran.size > 0) return finish(known, outcome);
    move(known);
    if (known.moved && known.attempt !== undefined) {
      await reserve(known, known.attempt, { settlement: settledOf(known) });
    }
  };

  const statusOf = async ({ payer, call, accepted }: Known): Promise<CallStatus | undefined> => {
    if (!accepted) return undefined;
    const found = await stubOf(payer).lookUp({ account: accountOf(payer), call: call.id });
    return found.verdict === 'found' ? found.status : undefined;
  };

  const outcomeOf = (known: Known, status: CallStatus): SettlementOutcome => {
    if (known.moved) return settledOf(known);
    if (known.cancelled) return { outcome: 'failed', fault: 'payer', reason: 'cancelled' };
    if (nowSeconds() <= known.call.validBefore) return { outcome: 'sent', backend: 'x' };
    return status.payment === 'queued' || status.payment === 'sent'
      ? { outcome: 'failed', fault: 'gateway', reason: 'not_presented' }
      : { outcome: 'released' };
  };

  const resultOf = async (known: Known): Promise<SettlementResult[]> => {
    const status = await statusOf(known);
    return status === undefined ? [] : [{ call: known.call.id, ...outcomeOf(known, status) }];
  };

  const hear = async (known: Known): Promise<void> => {
    const results = await resultOf(known);
    // A queue delivers at least once.
    if (results.length > 0) await stubOf(known.payer).settled([...results, ...results]);
  };

  const hearAll = async (payer: Hex): Promise<void> => {
    const own = knowns.filter((known) => known.payer === payer && known.paysItself);
    const results = await Promise.all(own.map(resultOf));
    if (results.length > 0) await stubOf(payer).settled(results.flat());
  };

  const refund = async (of: Hex, amount: bigint, log: number): Promise<void> => {
    const id = `${of} ${log}`;
    const first = refunds.get(id)?.amount ?? amount;
    refunds.set(id, { of, amount: first });
    await stubOf(of).apply({
      kind: 'refund',
      asset,
      amount: first,
      transaction: refundsIn,
      place: log,
      block: BLOCK,
      intent: { fields: {}, signature: '0x' },
    });
  };

  const refundCall = async (
    { payer, call: { id: call } }: Known,
    amount?: bigint,
  ): Promise<void> => {
    const verdict = await stubOf(payer).apply({
      ...({ kind: 'refundCall', call, reason: 'asked' } as const),
      by: { account: accountOf(payer), role: 'operator' },
      intent: { fields: {}, signature: '0x', digest: randomHex(32), attempt: randomHex(16) },
      ...(amount === undefined ? {} : { amount }),
    });
    if (verdict.verdict !== 'applied' || verdict.refund === undefined) return;
    refundedCalls.set(call, (refundedCalls.get(call) ?? 0n) + BigInt(verdict.refund.amount));
  };

  /** Evicts an object. Ignores an object that is not running, or that another step is evicting. */
  const evict = async (payer: Hex): Promise<void> => {
    // Platform trap: a busy event loop fires no timers and its clock stands still. An eviction that starts with an old clock times out at
    // once while the object's outbox waits for a timer. This timer fires after the clock has advanced.
    await new Promise((resolve) => setTimeout(resolve, 1));
    await evictDurableObject(stubOf(payer)).catch((cause: unknown) => {
      if (!String(cause).includes('not currently running')) throw cause;
    });
  };

  const ring = async (): Promise<void> => {
    await Promise.all(payers.map((payer) => runDurableObjectAlarm(stubOf(payer))));
  };

  const creditByChain = (payer: Hex, statuses: readonly (CallStatus | undefined)[]): bigint => {
    const heard = knowns.flatMap((known, index) => {
      const status = statuses[index];
      return status === undefined ? [] : [{ known, status }];
    });
    const own = heard.filter(({ known }) => known.payer === payer);
    const given = heard.filter(
      ({ known, status }) =>
        known.call.topUp?.to === accountOf(payer) && status.state === 'committed',
    );
    const lost = own.filter(({ known, status }) => status.payment === 'failed' && !known.cancelled);
    return (
      sum(own, ({ known, status }) => (known.moved ? status.price : 0n)) -
      sum(own, ({ status }) => status.charged) +
      sum(lost, ({ status }) => status.charged) +
      sum(given, ({ status }) => status.price) -
      sum(refunds.values(), ({ of, amount }) => (of === payer ? amount : 0n)) +
      sum(own, ({ known }) => refundedCalls.get(known.call.id) ?? 0n)
    );
  };

  return {
    ring,
    async take(step) {
      switch (step.do) {
        case 'next':
          return next(knownAt(step.call), step.outcome);
        case 'run':
          for (let round = 0; round < 3; round += 1) await next(knownAt(step.call), step.outcome);
          return;
        case 'reserve':
          return reserve(knownAt(step.call), randomHex(16), step.facts ? facts() : {});
        case 'finish':
          return finish(knownAt(step.call), step.outcome);
        case 'resolve':
          return resolve(knownAt(step.call), step.charge);
        case 'move':
          return move(knownAt(step.call));
        case 'cancel': {
          const known = knownAt(step.call);
          known.cancelled ||= known.accepted && !known.moved;
          return;
        }
        case 'bounce': {
          const { payer, call } = knownAt(step.call);
          const bounced = { call: call.id, outcome: 'bounced', reason: 'refused' } as const;
          await stubOf(payer).settled([bounced]);
          return;
        }
        case 'hear':
          return hear(knownAt(step.call));
        case 'tellUpfront': {
          const known = knownAt(step.call);
          if (known.moved) await reserve(known, randomHex(16), { settlement: settledOf(known) });
          return;
        }
        case 'refund':
          return refund(payerAt(step.of), step.amount, step.log);
        case 'refundCall':
          return refundCall(knownAt(step.call), step.amount);
        case 'deliver':
        case 'balance':
        case 'wait':
          return evict(payerAt(step.do === 'deliver' ? step.from : 1));
      }
    },
    async rest() {
      await Promise.all(payers.map(hearAll));
      await ring();
    },
    async arrive() {
      const open = await Promise.all(
        payers.map(async (payer) => {
          const { open: due, sending } = await snapshotOf(payer);
          return due + sending > 0;
        }),
      );
      if (open.includes(true)) await ring();
    },
    async check() {
      const statuses = await Promise.all(knowns.map(statusOf));
      for (const [index, known] of knowns.entries()) {
        // Each call runs at most once (law 3), and every payment that moved is recorded (law 5).
        expect(known.ran.size).toBeLessThanOrEqual(1);
        if (known.moved) expect(statuses[index]?.payment).toBe('settled');
        expect(statuses[index]?.state).not.toBe('held');
      }
      for (const payer of payers) {
        const snapshot = await snapshotOf(payer);
        const entries = snapshot.seq === 0 ? [] : await entriesOf(payer);
        const kept = knowns.filter(
          (known, index) =>
            known.payer === payer &&
            known.plan.onSilence === 'keep' &&
            statuses[index]?.state === 'abandoned' &&
            statuses[index]?.paidFrom === 'credit' &&
            !entries.some(({ type, call }) => type === 'call.resolved' && call === known.call.id),
        );
        // An account writes no entry for a total that it already has.
        const empty = entries.filter(({ amounts }) => amounts?.amount === '0');
        expect(empty).toEqual([]);
        const purse = snapshot.purses[asset] ?? EMPTY;
        const credit = creditByChain(payer, statuses);
        expect({
          credit: purse.credit,
          log: creditByLog(entries),
          creditHeld: purse.creditHeld,
          held: purse.held,
          unsettled: purse.unsettled,
          seq: snapshot.seq,
          sending: snapshot.sending,
        }).toEqual({
          credit: credit.toString(),
          log: credit,
          creditHeld: sum(kept, ({ call }) => call.price).toString(),
          held: '0',
          unsettled: '0',
          seq: entries.length,
          sending: 0,
        });
      }
    },
  };
};

/** The state of an account that has accepted no call. */
const EMPTY = { credit: '0', creditHeld: '0', held: '0', unsettled: '0' } as const;
