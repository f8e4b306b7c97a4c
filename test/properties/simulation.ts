import { expect } from 'vitest';
import { GENESIS } from '../../src/audit/entry.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { type AccountId, accountId, assetId } from '../../src/protocol/account-id.ts';
import type { Call, Evidence } from '../../src/protocol/account/call.ts';
import type { Outcome } from '../../src/protocol/account/finish.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import type { SettlementOutcome } from '../../src/protocol/payment.ts';
import { CALL } from '../../durable-objects/account/call/call-noun.ts';
import { finish } from '../../durable-objects/account/call/finish.ts';
import { NO_PROGRESS } from '../../durable-objects/account/call/progress.ts';
import {
  awaitsSettlement,
  type CallRecord,
  isBounced,
  isFinal,
  keepsHold,
} from '../../durable-objects/account/call/record.ts';
import { reserve } from '../../durable-objects/account/call/reserve.ts';
import { conclude } from '../../durable-objects/account/call/conclude.ts';
import { apply } from '../../durable-objects/account/commands/apply.ts';
import { resolve } from '../../durable-objects/account/commands/resolve.ts';
import {
  acknowledgeTransfer,
  isPending,
  type Transfer,
  TRANSFER,
  transferKey,
  transferWith,
} from '../../durable-objects/account/commands/transfer.ts';
import type { Context, Decision } from '../../durable-objects/account/decision.ts';
import { tick } from '../../durable-objects/account/log/tick.ts';
import { exposed, purseOf, suspensionOf } from '../../durable-objects/account/purse.ts';
import { type AccountState, emptyAccount } from '../../durable-objects/account/state.ts';
import { put, valuesOf } from '../../durable-objects/store/noun.ts';
import { NOTHING, openOverlay } from '../../durable-objects/store/overlay.ts';
import type { Reader } from '../../durable-objects/store/query.ts';
import { ALONE } from './alone.ts';
import type { Plan, Step } from './steps.ts';

const START = 1_800_000_000;
const hex = (n: number, bytes: number): Hex => `0x${n.toString(16).padStart(bytes * 2, '0')}`;
const payTo = hex(0xbb, 20);
const token = {
  network: 'eip155:84532',
  address: hex(0xcc, 20),
  name: 'USDC',
  version: '2',
} as const;
export const asset = assetId(token.network, token.address);
const PAYERS = [hex(0xa0, 20), hex(0xa1, 20)] as const;
const ATTEMPTS = [hex(1, 16), hex(2, 16), hex(3, 16)] as const;
const POLICY_HASH = hex(9, 32);
const TRANSACTION = hex(1, 32);
const OPERATOR = { account: accountId(token.network, hex(0x0e, 20)), role: 'operator' } as const;
const ORDER = { fields: {}, signature: hex(0x55, 65) } as const;

const EXPOSURE = 60n;
const policy: Policy = {
  perCall: 35n,
  exposure: EXPOSURE,
  rate: { limit: 1_000, seconds: 60 },
  windows: [{ every: 'hour', limit: 55n }],
  deny: [],
  require: [],
};

/** One account of the world, with what its storage would hold. */
export type Book = {
  readonly account: AccountId;
  readonly payer: Hex;
  state: AccountState;
  readonly records: Map<Hex, CallRecord>;
  readonly transfers: Map<string, Transfer>;
  readonly loose: Entry[];
  /** Where the chain stood after each decision, by seq. */
  readonly heads: Map<number, Hex>;
  /** What the payer owns on chain. */
  balance: bigint;
  /** What refunds and impossible payments took: only so far may credit be below what is held of it. */
  excused: bigint;
  /** By Transfer log: what the operator has paid back. */
  readonly refunds: Map<string, bigint>;
};

export type Books = {
  readonly all: readonly Book[];
  readonly take: (step: Step) => void;
  /** Everything that is due happens: deliveries arrive, time passes, the chain is heard. */
  readonly rest: () => void;
  /** Payments that the chain has moved. */
  readonly moved: ReadonlyMap<Hex, number>;
  /** How often each kind of event has happened: a property that never sees one proves nothing of it. */
  readonly seen: ReadonlyMap<string, number>;
};

/** How a command about credit ended. */
const nameOf = (applied: ReturnType<typeof apply>['verdict']): string =>
  applied.verdict === 'applied' && !applied.changed ? 'known' : applied.verdict;

/** A payment whose tool has answered, and which has not ended. */
const isOwed = ({ payment }: CallRecord): boolean => payment === 'queued' || payment === 'sent';

const idOf = (index: number): Hex => hex(index + 1, 32);

const openBook = (payer: Hex): Book => ({
  account: accountId(token.network, payer),
  payer,
  state: emptyAccount(accountId(token.network, payer)),
  records: new Map(),
  transfers: new Map(),
  loose: [],
  heads: new Map([[GENESIS.seq, GENESIS.hash]]),
  balance: 400n,
  excused: 0n,
  refunds: new Map(),
});

/** One or two accounts, a chain and the messages between them, driven by the account's own pure decisions. */
export const openBooks = (
  plans: readonly Plan[],
  count: 1 | 2,
  seen = new Map<string, number>(),
): Books => {
  const all = PAYERS.slice(0, count).map(openBook);
  const moved = new Map<Hex, number>();
  const cancelled = new Set<Hex>();
  const ran = new Map<Hex, Hex>();
  const accepted = new Map<Hex, Call>();
  const told: { readonly from: Book; readonly to: Book; readonly total: bigint }[] = [];
  let now = START;
  let block = 100;
  let salt = 0;
  const nextSalt = (): Hex => hex((salt += 1), 16);
  const note = (event: string): void => void seen.set(event, (seen.get(event) ?? 0) + 1);

  const bookAt = (index: number): Book => all[index % count] as Book;
  const bookOf = (index: number): Book => bookAt((plans[index] as Plan).payer);

  const readerOf = ({ records, transfers }: Book): Reader =>
    openOverlay(NOTHING, [
      ...[...records.values()].map((record) => put(CALL, record)),
      ...[...transfers.values()].map((transfer) => put(TRANSFER, transfer)),
    ]);

  const contextOf = (book: Book): Context => ({
    ...ALONE,
    now,
    policy,
    policyHash: POLICY_HASH,
    salt: nextSalt,
    read: readerOf(book),
  });

  const callOf = (index: number): Call => {
    const { kind, payer, price, onSilence, life } = plans[index] as Plan;
    const book = bookAt(payer);
    const nonce = idOf(index);
    const validBefore = START + life;
    const topsUp = kind === 'topUpOwn' || kind === 'topUpOther';
    const unpaid = kind === 'free' || kind === 'intent';
    return {
      account: book.account,
      call: nonce,
      request: hex(index, 32),
      tool: topsUp ? 'countersign.credits' : 'tool',
      proof: unpaid ? 'intent' : 'x402',
      binding: unpaid || topsUp ? 'intent' : 'none',
      settlement: topsUp || kind === 'intent' ? 'upfront' : kind,
      onSilence,
      timeoutSeconds: 10,
      asset,
      payTo,
      price,
      validBefore,
      execute: now < validBefore - 6,
      ...(topsUp ? { topUp: { to: bookAt(kind === 'topUpOwn' ? payer : payer + 1).account } } : {}),
      ...(unpaid
        ? {}
        : {
            payment: {
              token,
              signature: hex(7, 65),
              maxTimeoutSeconds: life,
              authorization: {
                from: book.payer,
                to: payTo,
                value: price,
                validAfter: 0n,
                validBefore: BigInt(validBefore),
                nonce,
              },
            },
          }),
    };
  };

  const commit = <Verdict>(book: Book, decision: Decision<Verdict>): Verdict => {
    const before = book.state.head.seq;
    book.state = decision.state;
    book.heads.set(book.state.head.seq, book.state.head.hash);
    for (const record of valuesOf(decision.writes, CALL)) {
      book.records.set(record.id, record);
      // Only what entered with this decision: a payer that made its payment impossible owes it.
      for (const { type, payment, seq } of record.entries) {
        if (seq <= before || type !== 'payment.failed' || payment?.fault !== 'payer') continue;
        book.excused += record.charged;
        if (record.charged > 0n) note('debt');
      }
    }
    book.loose.push(...decision.entries);
    for (const transfer of valuesOf(decision.writes, TRANSFER)) {
      const known =
        book.transfers.get(transferKey(transfer)) ?? transferWith(NOTHING, transfer.peer, asset);
      // Totals only grow, and nothing is acknowledged that was never sent.
      const grows =
        transfer.sent >= known.sent &&
        transfer.acknowledged >= known.acknowledged &&
        transfer.received >= known.received &&
        transfer.acknowledged <= transfer.sent;
      if (!grows) expect(transfer).toEqual(known);
      book.transfers.set(transferKey(transfer), transfer);
    }
    bounds(book);
    return decision.verdict;
  };

  const bounds = (book: Book): void => {
    const purse = purseOf(book.state, asset);
    const { credit, creditHeld, deferredHeld, upfrontHeld, unsettled, settled } = purse;
    const held = [creditHeld, deferredHeld, upfrontHeld, unsettled, settled];
    const refunded = [...book.refunds.values()].reduce((sum, amount) => sum + amount, 0n);
    const bounced = [...book.records.values()]
      .filter((record) => isOwed(record) && isBounced(record))
      .reduce((sum, { charged }) => sum + charged, 0n);
    const within =
      purse.bounced === bounced &&
      purse.bouncedUntil > 0 === bounced > 0n &&
      held.every((amount) => amount >= 0n) &&
      // Credit is below what is held of it only by what was refunded or owed: never by spending.
      credit - creditHeld + book.excused >= 0n &&
      // Laws 6 and 7.
      Object.values(purse.windows).every((one) => one.held >= 0n && one.spent + one.held <= 55n) &&
      exposed(purse) <= EXPOSURE &&
      exposed(purse) <= settled + refunded;
    if (!within) expect({ ...purse, excused: book.excused }).toBe('within its bounds');
  };

  const attempt = (index: number, by: Hex, evidence: Evidence): void => {
    const book = bookOf(index);
    const call = callOf(index);
    const known = book.records.get(call.call);
    const isSuspended = suspensionOf(book.state) !== undefined;
    const verdict = commit(
      book,
      reserve(book.state, known, call, by, evidence, NO_PROGRESS, contextOf(book)),
    );
    const record = book.records.get(call.call);
    if (record !== undefined && known === undefined) {
      accepted.set(call.call, call);
      note(`accepted ${(plans[index] as Plan).kind} by ${record.paidBy}`);
      // Law 7: whose payment bounced is served nothing on trust until that payment has ended.
      if (isSuspended && record.paidBy === 'deferred') expect(record).toBe('settled first');
    }
    if (isSuspended && verdict.verdict !== 'settle') note('suspended');
    if (verdict.verdict !== 'go') return;
    // Law 3: one attempt, ever.
    if (ran.has(call.call) && ran.get(call.call) !== by) expect(verdict).toBe('not a second go');
    ran.set(call.call, by);
    // Law 7: what is settled upfront has moved before the tool runs.
    if (record?.paidBy === 'upfront' && !moved.has(call.call)) expect(call).toBe('paid');
  };

  const settledOf = (id: Hex): SettlementOutcome | undefined => {
    const at = moved.get(id);
    return at === undefined
      ? undefined
      : { outcome: 'settled', transaction: TRANSACTION, block: at };
  };

  /** What the consumer finds out about a payment now. */
  const outcomeOf = (book: Book, record: CallRecord): SettlementOutcome => {
    const settled = settledOf(record.id);
    if (settled !== undefined) return settled;
    if (cancelled.has(record.id)) return { outcome: 'failed', fault: 'payer', reason: 'cancelled' };
    if (now <= record.validBefore) return { outcome: 'sent', backend: 'x' };
    if (record.payment !== 'queued' && record.payment !== 'sent') return { outcome: 'released' };
    return book.balance >= record.price
      ? { outcome: 'failed', fault: 'gateway', reason: 'not_presented' }
      : { outcome: 'failed', fault: 'payer', reason: 'unfunded' };
  };

  const hear = (book: Book, id: Hex): void => {
    const record = book.records.get(id);
    if (record !== undefined) concluded(book, record, outcomeOf(book, record));
  };

  const concluded = (book: Book, record: CallRecord, outcome: SettlementOutcome): void => {
    const { state, record: next, isNews } = conclude(book.state, record, outcome, contextOf(book));
    if (!isNews) return;
    commit(book, { state, writes: [put(CALL, next)], entries: [], verdict: undefined });
  };

  /** Best of all a payment that is owed: of any other one it changes nothing. */
  const bounce = (index: number): void => {
    const book = all.find(({ records }) => [...records.values()].some(isOwed)) ?? bookOf(index);
    const owed = [...book.records.values()].find(isOwed) ?? book.records.get(idOf(index));
    if (owed === undefined) return;
    concluded(book, owed, { outcome: 'bounced', reason: 'refused', backend: 'x' });
    if (isOwed(owed)) note('bounced');
  };

  /** Anybody who has seen the signature may settle it, as long as the chain lets it. */
  const move = (index: number): void => {
    const book = bookOf(index);
    const call = accepted.get(idOf(index));
    const ended = moved.has(idOf(index)) || cancelled.has(idOf(index));
    if (call === undefined || ended || book.records.get(call.call)?.held === undefined) return;
    if (now >= call.validBefore || book.balance < call.price) return;
    book.balance -= call.price;
    moved.set(call.call, (block += 1));
  };

  /** Best of all a payment whose tool has answered: that is how a debt is made. */
  const cancel = (index: number): void => {
    const queued = all
      .flatMap((book) => [...book.records.values()])
      .find(({ id, payment }) => !moved.has(id) && (payment === 'queued' || payment === 'sent'));
    const id = queued?.id ?? idOf(index);
    if (accepted.has(id) && !moved.has(id)) cancelled.add(id);
  };

  const end = (index: number, outcome: Outcome): void => {
    const book = bookOf(index);
    const record = book.records.get(idOf(index));
    if (record === undefined) return;
    const verdict = commit(
      book,
      finish(book.state, record, record.attempt, outcome, contextOf(book)),
    );
    note(`finish ${verdict.verdict}`);
    if (record.topUp !== undefined && record.state === 'held' && outcome.success) {
      note(record.topUp === book.account ? 'topped up own' : 'topped up other');
    }
    if (record.paidBy === 'credit' && outcome.amount === 3n) note('variable price');
  };

  /** Best of all a call that is kept: most never are. */
  const settleSilence = (index: number, charge: boolean): void => {
    const books = [bookOf(index), ...all];
    const book =
      books.find(({ records }) => [...records.values()].some(keepsHold)) ?? bookOf(index);
    const kept = [...book.records.values()].find(keepsHold);
    const call = kept?.id ?? idOf(index);
    const asked = { call, charge, reason: 'asked', by: OPERATOR, order: ORDER } as const;
    const order = { kind: 'resolve', ...asked } as const;
    const { verdict } = commit(
      book,
      resolve(book.state, book.records.get(call), order, contextOf(book)),
    );
    if ((verdict === 'applied') !== (kept !== undefined)) expect(verdict).toBe('kept');
    if (kept === undefined) return;
    note(charge ? 'resolved: charged' : 'resolved: released');
    note(`resolved ${kept.paidBy}`);
  };

  const factsOf = (index: number): Evidence => ({
    facts: {
      hasCode: false,
      balance: bookOf(index).balance,
      asset,
      block,
      nonceUsed: moved.has(idOf(index)) || cancelled.has(idOf(index)),
      at: now,
    },
  });

  const next = (index: number, outcome: Outcome): void => {
    const record = bookOf(index).records.get(idOf(index));
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

  const deliver = (from: Book, how: Parameters<typeof tell>[1], late: number | undefined): void => {
    if (late !== undefined) {
      const old = told[late % Math.max(1, told.length)];
      if (old === undefined) return;
      // An answer to something that was never sent says nothing.
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

  const refund = (book: Book, amount: bigint, log: number): void => {
    const known = book.refunds.has(`${log}`);
    // One Transfer log is one refund, whatever is said of it the second time.
    if (!known) {
      book.refunds.set(`${log}`, amount);
      book.excused += amount;
    }
    const order = {
      kind: 'refund',
      asset,
      amount,
      transaction: TRANSACTION,
      place: log,
      block,
      order: { fields: {}, signature: '0x' },
    } as const;
    const verdict = nameOf(commit(book, apply(book.state, order, contextOf(book))));
    note(`refund ${verdict}`);
    if (known !== (verdict === 'known')) expect({ known, verdict }).toBe('recorded once');
  };

  const ring = (book: Book): void => {
    const live = [...book.records.values()].filter((record) => !isFinal(record));
    const known = new Map(live.map((record) => [record.id, { record, sentAt: 0, sends: 0 }]));
    commit(book, tick(book.state, { live: known }, contextOf(book)));
  };

  const wait = (seconds: number): void => {
    now += seconds;
    for (const book of all) ring(book);
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
          return move(step.call);
        case 'cancel':
          return cancel(step.call);
        case 'bounce':
          return bounce(step.call);
        case 'hear':
          return hear(bookOf(step.call), idOf(step.call));
        case 'tellUpfront': {
          const settlement = settledOf(idOf(step.call));
          if (settlement === undefined) return;
          return attempt(step.call, ATTEMPTS[step.attempt] ?? ATTEMPTS[0], { settlement });
        }
        case 'deliver':
          return deliver(bookAt(step.from), step.how, step.late);
        case 'refund':
          return refund(bookAt(step.of), step.amount, step.log);
        case 'balance':
          bookAt(step.of).balance = step.amount;
          return;
        case 'wait':
          return wait(step.seconds);
      }
    },
    rest() {
      for (let round = 0; round < 2; round += 1) {
        wait(4_000);
        for (const book of all) {
          for (const id of book.records.keys()) hear(book, id);
          deliver(book, 'answered', undefined);
        }
      }
    },
  };
};
