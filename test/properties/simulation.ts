import { expect } from 'vitest';
import type { Hex } from '../../src/core/hex.ts';
import { accountId } from '../../src/protocol/account-id.ts';
import type { Call, Evidence, Outcome } from '../../src/protocol/account/call.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import type { SettlementOutcome } from '../../src/protocol/payment.ts';
import { decideAlarm } from '../../durable-objects/account/alarm.ts';
import { keepLive, openLiveCalls } from '../../durable-objects/account/call/open-calls.ts';
import { UNSENT } from '../../durable-objects/store/outbox.ts';
import {
  awaitsSettlement,
  type CallRecord,
  isFinal,
  keepsHold,
} from '../../durable-objects/account/call/call-record.ts';
import { CALL } from '../../durable-objects/account/call/stored-call.ts';
import { conclude } from '../../durable-objects/account/call/conclude.ts';
import { finish } from '../../durable-objects/account/call/finish.ts';
import { NO_PROGRESS } from '../../durable-objects/account/call/progress.ts';
import { reserve } from '../../durable-objects/account/call/reserve.ts';
import { apply } from '../../durable-objects/account/commands/apply.ts';
import { resolve } from '../../durable-objects/account/commands/payment-command.ts';
import {
  acknowledgeTransfer,
  isPending,
  TRANSFER,
  transferKey,
  transferWith,
} from '../../durable-objects/account/commands/transfer.ts';
import type { Context, Decision } from '../../durable-objects/account/decision.ts';
import { suspensionOf } from '../../durable-objects/account/purse.ts';
import { put } from '../../durable-objects/store/noun.ts';
import { valuesOf } from './values-of.ts';
import { NOTHING, openOverlay } from '../../durable-objects/store/overlay.ts';
import type { Reader } from '../../durable-objects/store/query.ts';
import { ALONE } from './alone.ts';
import {
  asset,
  checkBounds,
  hex,
  idOf,
  isOwed,
  openAccount,
  PAYERS,
  policy,
  type SimulatedAccount,
  START,
  token,
} from './simulated-account.ts';
import { callBy } from './simulated-call.ts';
import type { Plan, Step } from './steps.ts';

const ATTEMPTS = [hex(1, 16), hex(2, 16), hex(3, 16)] as const;
const POLICY_HASH = hex(9, 32);
const TRANSACTION = hex(1, 32);
const OPERATOR = { account: accountId(token.network, hex(0x0e, 20)), role: 'operator' } as const;
const INTENT = { fields: {}, signature: hex(0x55, 65) } as const;

export type Simulation = {
  readonly all: readonly SimulatedAccount[];
  readonly take: (step: Step) => void;
  /** Completes all open work: delivers messages, lets time pass, and reports to the accounts what the chain shows. */
  readonly rest: () => void;
  /** How often the chain has moved each payment. */
  readonly moved: ReadonlyMap<Hex, number>;
  /** Counts of each kind of event, because a property that never meets an event proves nothing about it. */
  readonly seen: ReadonlyMap<string, number>;
};

/** Names the result of a command about credit. */
const nameOf = (applied: ReturnType<typeof apply>['verdict']): string =>
  applied.verdict === 'applied' && !applied.changed ? 'known' : applied.verdict;

/** Simulates one or two accounts, a chain and the messages between them, with the accounts' own pure decisions. */
export const openSimulation = (
  plans: readonly Plan[],
  count: 1 | 2,
  seen = new Map<string, number>(),
): Simulation => {
  const all = PAYERS.slice(0, count).map(openAccount);
  const moved = new Map<Hex, number>();
  const cancelled = new Set<Hex>();
  const ran = new Map<Hex, Hex>();
  const accepted = new Map<Hex, Call>();
  const told: {
    readonly from: SimulatedAccount;
    readonly to: SimulatedAccount;
    readonly total: bigint;
  }[] = [];
  let now = START;
  let block = 100;
  let salt = 0;
  const nextSalt = (): Hex => hex((salt += 1), 16);
  const note = (event: string): void => void seen.set(event, (seen.get(event) ?? 0) + 1);

  const accountAt = (index: number): SimulatedAccount => all[index % count] as SimulatedAccount;
  const ownerOf = (index: number): SimulatedAccount => accountAt((plans[index] as Plan).payer);

  const readerOf = ({ records, transfers }: SimulatedAccount): Reader =>
    openOverlay(NOTHING, [
      ...[...records.values()].map((record) => put(CALL, record)),
      ...[...transfers.values()].map((transfer) => put(TRANSFER, transfer)),
    ]);

  const contextOf = (simulated: SimulatedAccount): Context => ({
    ...ALONE,
    now,
    policy,
    policyHash: POLICY_HASH,
    salt: nextSalt,
    read: readerOf(simulated),
  });

  const callOf = (index: number): Call => callBy(plans, index, now, accountAt);

  /** Counts the payments that move more than the charge of their metered call. */
  const noteRest = ({ charged, price, paidBy, topUp }: CallRecord, entry: Entry): void => {
    if (charged === 0n || charged === price || topUp !== undefined) return;
    const { type, payment } = entry;
    if (type === 'call.finished' && paidBy === 'upfront') note('rest credited at the end');
    if (type === 'payment.settled' && paidBy === 'deferred') note('rest credited at settlement');
    if (type === 'payment.failed')
      note(`rest lost by the ${payment?.['fault'] === 'payer' ? 'payer' : 'gateway'}`);
    if (type === 'payment.bounced') note('rest bounced');
  };

  const commit = <Verdict>(simulated: SimulatedAccount, decision: Decision<Verdict>): Verdict => {
    const before = simulated.state.head.seq;
    simulated.state = decision.state;
    simulated.heads.set(simulated.state.head.seq, simulated.state.head.hash);
    for (const record of valuesOf(decision.writes, CALL)) {
      simulated.records.set(record.id, record);
      for (const entry of record.entries) {
        if (entry.seq <= before) continue;
        noteRest(record, entry);
        // Only payments that failed in this decision count. If the payer made its payment fail, it owes the charge.
        if (entry.type !== 'payment.failed' || entry.payment?.['fault'] !== 'payer') continue;
        simulated.allowedDeficit += record.charged;
        if (record.charged > 0n) note('debt');
      }
    }
    simulated.loose.push(...decision.entries);
    for (const transfer of valuesOf(decision.writes, TRANSFER)) {
      const known =
        simulated.transfers.get(transferKey(transfer)) ??
        transferWith(NOTHING, transfer.peer, asset);
      // Totals only grow, and an account acknowledges only totals that the other one has sent.
      const grows =
        transfer.sent >= known.sent &&
        transfer.acknowledged >= known.acknowledged &&
        transfer.received >= known.received &&
        transfer.acknowledged <= transfer.sent;
      if (!grows) expect(transfer).toEqual(known);
      simulated.transfers.set(transferKey(transfer), transfer);
    }
    checkBounds(simulated);
    return decision.verdict;
  };

  const attempt = (index: number, by: Hex, evidence: Evidence): void => {
    const simulated = ownerOf(index);
    const call = callOf(index);
    const known = simulated.records.get(call.id);
    const isSuspended = suspensionOf(simulated.state) !== undefined;
    const verdict = commit(
      simulated,
      reserve({
        ...{ state: simulated.state, record: known, call, attempt: by, evidence },
        ...{ progress: NO_PROGRESS, context: contextOf(simulated) },
      }),
    );
    const record = simulated.records.get(call.id);
    if (record !== undefined && known === undefined) {
      accepted.set(call.id, call);
      note(`accepted ${(plans[index] as Plan).kind} by ${record.paidBy}`);
      // After a payment bounced, the payer may have no exposure until that payment has ended (law 7).
      if (isSuspended && record.paidBy === 'deferred') expect(record).toBe('settled first');
    }
    if (isSuspended && verdict.verdict !== 'settle') note('suspended');
    if (verdict.verdict !== 'go') return;
    // Only one attempt of a call may ever run (law 3).
    if (ran.has(call.id) && ran.get(call.id) !== by) expect(verdict).toBe('not a second go');
    ran.set(call.id, by);
    // An upfront payment must move before the tool runs (law 7).
    if (record?.paidBy === 'upfront' && !moved.has(call.id)) expect(call).toBe('paid');
  };

  const settledOf = (id: Hex): SettlementOutcome | undefined => {
    const at = moved.get(id);
    return at === undefined
      ? undefined
      : { outcome: 'settled', transaction: TRANSACTION, block: at };
  };

  /** The outcome that the settlement consumer would observe for a payment now. */
  const outcomeOf = (simulated: SimulatedAccount, record: CallRecord): SettlementOutcome => {
    const settled = settledOf(record.id);
    if (settled !== undefined) return settled;
    if (cancelled.has(record.id)) return { outcome: 'failed', fault: 'payer', reason: 'cancelled' };
    if (now <= record.validBefore) return { outcome: 'sent', backend: 'x' };
    if (record.payment !== 'queued' && record.payment !== 'sent') return { outcome: 'released' };
    return simulated.balance >= record.price
      ? { outcome: 'failed', fault: 'gateway', reason: 'not_presented' }
      : { outcome: 'failed', fault: 'payer', reason: 'unfunded' };
  };

  const hear = (simulated: SimulatedAccount, id: Hex): void => {
    const record = simulated.records.get(id);
    if (record !== undefined) concluded(simulated, record, outcomeOf(simulated, record));
  };

  const concluded = (
    simulated: SimulatedAccount,
    record: CallRecord,
    outcome: SettlementOutcome,
  ): void => {
    const {
      state,
      record: next,
      isNews,
    } = conclude(simulated.state, record, outcome, contextOf(simulated));
    if (!isNews) return;
    commit(simulated, { state, writes: [put(CALL, next)], entries: [], verdict: undefined });
  };

  /** Prefers a payment that awaits settlement, because the step changes nothing for the others. */
  const bounce = (index: number): void => {
    const simulated =
      all.find(({ records }) => [...records.values()].some(isOwed)) ?? ownerOf(index);
    const owed = [...simulated.records.values()].find(isOwed) ?? simulated.records.get(idOf(index));
    if (owed === undefined) return;
    concluded(simulated, owed, { outcome: 'bounced', reason: 'refused', backend: 'x' });
    if (isOwed(owed)) note('bounced');
  };

  /** Anyone who has the signature may settle the payment while it is valid (EIP-3009). */
  const move = (index: number): void => {
    const simulated = ownerOf(index);
    const call = accepted.get(idOf(index));
    const ended = moved.has(idOf(index)) || cancelled.has(idOf(index));
    if (call === undefined || ended || simulated.records.get(call.id)?.held === undefined) return;
    if (now >= call.validBefore || simulated.balance < call.price) return;
    simulated.balance -= call.price;
    moved.set(call.id, (block += 1));
  };

  /** A payment whose tool has answered, which is rare. */
  const unmoved = (): CallRecord | undefined =>
    all
      .flatMap((simulated) => [...simulated.records.values()])
      .find((record) => !moved.has(record.id) && !cancelled.has(record.id) && isOwed(record));

  /** Prefers a payment whose tool has answered, because its failure becomes a debt. */
  const cancel = (index: number): void => {
    const id = unmoved()?.id ?? idOf(index);
    if (accepted.has(id) && !moved.has(id)) cancelled.add(id);
  };

  const end = (index: number, outcome: Outcome): void => {
    const simulated = ownerOf(index);
    const record = simulated.records.get(idOf(index));
    if (record === undefined) return;
    const verdict = commit(
      simulated,
      finish(simulated.state, record, record.attempt, outcome, contextOf(simulated)),
    );
    note(`finish ${verdict.verdict}`);
    if (record.topUp !== undefined && record.state === 'held' && outcome.success) {
      note(record.topUp === simulated.account ? 'topped up own' : 'topped up other');
    }
    if (record.paidBy === 'credit' && outcome.amount === 3n) note('variable price');
  };

  /** Prefers a call whose upstream did not answer, which is rare. */
  const settleSilence = (index: number, charge: boolean): void => {
    const candidates = [ownerOf(index), ...all];
    const simulated =
      candidates.find(({ records }) => [...records.values()].some(keepsHold)) ?? ownerOf(index);
    const kept = [...simulated.records.values()].find(keepsHold);
    const call = kept?.id ?? idOf(index);
    const asked = { call, charge, reason: 'asked', by: OPERATOR, intent: INTENT } as const;
    const command = { kind: 'resolve', ...asked } as const;
    const { verdict } = commit(
      simulated,
      resolve(simulated.state, simulated.records.get(call), command, contextOf(simulated)),
    );
    if ((verdict === 'applied') !== (kept !== undefined)) expect(verdict).toBe('kept');
    if (kept === undefined) return;
    note(charge ? 'resolved: charged' : 'resolved: released');
    note(`resolved ${kept.paidBy}`);
  };

  const factsOf = (index: number): Evidence => ({
    facts: {
      hasCode: false,
      balance: ownerOf(index).balance,
      asset,
      block,
      nonceUsed: moved.has(idOf(index)) || cancelled.has(idOf(index)),
      at: now,
    },
  });

  const next = (index: number, outcome: Outcome): void => {
    const record = ownerOf(index).records.get(idOf(index));
    if (record === undefined) return attempt(index, ATTEMPTS[0], factsOf(index));
    if (record.state !== 'held') return attempt(index, ATTEMPTS[2], {});
    if (!awaitsSettlement(record)) return end(index, outcome);
    move(index);
    const settlement = settledOf(record.id);
    if (settlement !== undefined) attempt(index, record.attempt, { settlement });
  };

  const tell = (
    { from, to, total }: (typeof told)[number],
    how: Extract<Step, { do: 'deliver' }>['how'],
  ): void => {
    if (how === 'lost') return note('delivery lost');
    const applied = commit(
      to,
      apply(to.state, { kind: 'credit', from: from.account, asset, total }, contextOf(to)),
    );
    note(`delivery ${nameOf(applied)}`);
    if (how === 'unanswered') return;
    commit(
      from,
      acknowledgeTransfer(from.state, { peer: to.account, asset }, total, readerOf(from)),
    );
  };

  const deliver = (
    from: SimulatedAccount,
    how: Parameters<typeof tell>[1],
    late: number | undefined,
  ): void => {
    if (late !== undefined) {
      const old = told[late % Math.max(1, told.length)];
      if (old === undefined) return;
      // The account ignores an acknowledgement of a message that it never sent.
      const { from: sender, to, total } = old;
      const bogus = total + 1_000_000n;
      commit(
        sender,
        acknowledgeTransfer(sender.state, { peer: to.account, asset }, bogus, readerOf(sender)),
      );
      return tell(old, how);
    }
    for (const transfer of [...from.transfers.values()].filter(isPending)) {
      const to = all.find(({ account }) => account === transfer.peer);
      if (to === undefined) continue;
      const message = { from, to, total: transfer.sent };
      told.push(message);
      tell(message, how);
    }
  };

  const refund = (simulated: SimulatedAccount, amount: bigint, log: number): void => {
    const known = simulated.refunds.has(`${log}`);
    // A Transfer log counts as one refund, even if a second command states another amount.
    if (!known) {
      simulated.refunds.set(`${log}`, amount);
      simulated.allowedDeficit += amount;
    }
    const intent = {
      kind: 'refund',
      asset,
      amount,
      transaction: TRANSACTION,
      place: log,
      block,
      intent: { fields: {}, signature: '0x' },
    } as const;
    const verdict = nameOf(commit(simulated, apply(simulated.state, intent, contextOf(simulated))));
    note(`refund ${verdict}`);
    if (known !== (verdict === 'known')) expect({ known, verdict }).toBe('recorded once');
  };

  /** Prefers a charged call of any account. */
  const refundCall = (index: number, wanted: bigint | undefined): void => {
    const isCharged = ({ charged }: CallRecord): boolean => charged > 0n;
    const candidates = [ownerOf(index), ...all];
    const simulated =
      candidates.find(({ records }) => [...records.values()].some(isCharged)) ?? ownerOf(index);
    const { records, refundedCalls } = simulated;
    const call = [...records.values()].findLast(isCharged)?.id ?? idOf(index);
    const command = {
      ...({ kind: 'refundCall', call, reason: 'asked', by: OPERATOR } as const),
      intent: { ...INTENT, digest: nextSalt(), attempt: nextSalt(), validBefore: now + 300 },
      ...(wanted === undefined ? {} : { amount: wanted }),
    } as const;
    const verdict = commit(simulated, apply(simulated.state, command, contextOf(simulated)));
    note(`call refund ${verdict.verdict}`);
    if (verdict.verdict !== 'applied' || verdict.refund === undefined) return;
    const total = (refundedCalls.get(call) ?? 0n) + BigInt(verdict.refund.amount);
    const { charged = 0n, payment, topUp } = records.get(call) ?? {};
    const isPaid = payment === 'settled' || payment === 'none';
    // The account refunds only money that the gateway has received, and never more than the charge.
    if (total > charged || !isPaid || topUp !== undefined)
      expect({ total, charged, payment }).toBe('a refund of what was paid');
    refundedCalls.set(call, total);
  };

  const ring = (simulated: SimulatedAccount): void => {
    const calls = openLiveCalls();
    for (const record of simulated.records.values()) {
      if (!isFinal(record)) keepLive(calls, { record, ...UNSENT });
    }
    commit(simulated, decideAlarm(simulated.state, calls, contextOf(simulated)));
  };

  const wait = (seconds: number): void => {
    now += seconds;
    for (const simulated of all) ring(simulated);
  };

  return {
    all,
    moved,
    seen,
    take(step) {
      switch (step.do) {
        case 'next':
          return next(step.call, step.outcome);
        case 'run':
          for (let round = 0; round < 3; round += 1) next(step.call, step.outcome);
          return;
        case 'reserve':
          return attempt(
            step.call,
            ATTEMPTS[step.attempt] ?? ATTEMPTS[0],
            step.facts ? factsOf(step.call) : {},
          );
        case 'finish':
          return end(step.call, step.outcome);
        case 'resolve':
          return settleSilence(step.call, step.charge);
        case 'move':
          return move(Number(unmoved()?.id ?? idOf(step.call)) - 1);
        case 'cancel':
          return cancel(step.call);
        case 'bounce':
          return bounce(step.call);
        case 'hear':
          return hear(ownerOf(step.call), idOf(step.call));
        case 'tellUpfront': {
          const settlement = settledOf(idOf(step.call));
          if (settlement === undefined) return;
          return attempt(step.call, ATTEMPTS[step.attempt] ?? ATTEMPTS[0], { settlement });
        }
        case 'deliver':
          return deliver(accountAt(step.from), step.how, step.late);
        case 'refund':
          return refund(accountAt(step.of), step.amount, step.log);
        case 'refundCall':
          return refundCall(step.call, step.amount);
        case 'balance':
          accountAt(step.of).balance = step.amount;
          return;
        case 'wait':
          return wait(step.seconds);
      }
    },
    rest() {
      for (let round = 0; round < 2; round += 1) {
        wait(4_000);
        for (const simulated of all) {
          for (const id of simulated.records.keys()) hear(simulated, id);
          deliver(simulated, 'answered', undefined);
        }
      }
    },
  };
};
