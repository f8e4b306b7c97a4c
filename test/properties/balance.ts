import { expect } from 'vitest';
import { GENESIS } from '../../src/audit/entry.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import { isFinal, keepsHold } from '../../durable-objects/account/call/record.ts';
import { purseOf } from '../../durable-objects/account/purse.ts';
import { asset, type Book, type Books } from './books.ts';

export const sum = <T>(list: Iterable<T>, amount: (one: T) => bigint): bigint => {
  let total = 0n;
  for (const one of list) total += amount(one);
  return total;
};

/** What must hold of the books when nothing is under way any more: of each account, and between them. */
export const checkAtRest = (books: Books): void => {
  for (const book of books.all) {
    const entries = chainOf(book);
    const found = {
      credit: purseOf(book.state, asset).credit,
      log: creditByLog(entries),
      holds: holdsOf(book),
      open: [...book.records.values()].filter((one) => !isFinal(one) && !keepsHold(one)).length,
      window: windowOf(book),
    };
    const credit = creditByChain(book, books);
    const expected = {
      credit,
      log: credit,
      // What moved first is in nobody's hold: it is ours, and counted in the window only.
      holds: sum(book.records.values(), (one) =>
        keepsHold(one) && one.paidBy !== 'upfront' ? one.price : 0n,
      ),
      open: 0,
      window: windowByRecords(book),
    };
    if (!equal(found, expected)) expect(found).toEqual(expected);
    checkTransfers(book, books, entries);
  }
};

/** What the chain moved in, less what was bought with it and what was paid back, is the credit; the other sign is a debt. */
const creditByChain = (book: Book, { all, moved }: Books): bigint => {
  const records = [...book.records.values()];
  const lost = records.filter(({ entries }) =>
    entries.some(({ payment }) => payment?.fault === 'gateway'),
  );
  const given = all.flatMap((one) =>
    [...one.records.values()].filter(
      ({ topUp, state }) => topUp === book.account && state === 'committed',
    ),
  );
  return (
    sum(records, ({ id, price }) => (moved.has(id) ? price : 0n)) -
    sum(records, ({ charged }) => charged) +
    sum(lost, ({ charged }) => charged) +
    sum(given, ({ price }) => price) -
    sum(book.refunds.values(), (amount) => amount)
  );
};

/** The same from the log alone, as an auditor would add it up (law 11). */
export const creditByLog = (entries: readonly Entry[]): bigint => {
  const own = new Set(
    entries.flatMap(({ type, payment, account, call }) =>
      type === 'call.accepted' && payment?.creditTo === account ? [call] : [],
    ),
  );
  return sum(entries, ({ type, amounts = {}, payment, call }) => {
    const amount = BigInt(amounts.amount ?? 0);
    const bought =
      (own.has(call) ? BigInt(amounts.credited ?? 0) : 0n) - BigInt(amounts.charged ?? 0);
    if (type === 'payment.settled' || type === 'credit.received') return amount;
    if (type === 'credit.refunded') return -amount;
    if (type === 'payment.failed') return payment?.fault === 'gateway' ? amount : 0n;
    if (type === 'call.resolved') return bought + BigInt(amounts.before ?? 0);
    return type === 'call.finished' || type === 'call.abandoned' ? bought : 0n;
  });
};

const holdsOf = (book: Book): bigint => {
  const purse = purseOf(book.state, asset);
  return purse.creditHeld + purse.deferredHeld + purse.upfrontHeld + purse.unsettled;
};

/** A window counts what its calls were charged, and what is still held of them; top-ups spend nothing. */
const windowOf = (book: Book): string => {
  const window = purseOf(book.state, asset).windows.hour;
  return `${window?.spent ?? 0n} ${window?.held ?? 0n}`;
};

const windowByRecords = (book: Book): string => {
  const start = purseOf(book.state, asset).windows.hour?.start ?? 0;
  const counted = [...book.records.values()].filter(
    ({ topUp, acceptedAt }) =>
      topUp === undefined && acceptedAt >= start && acceptedAt < start + 3_600,
  );
  const kept = counted.filter(keepsHold);
  const ended = counted.filter((one) => !keepsHold(one));
  return `${sum(ended, ({ charged }) => charged)} ${sum(kept, ({ price }) => price)}`;
};

const checkTransfers = (book: Book, { all }: Books, entries: readonly Entry[]): void => {
  for (const peer of all) {
    if (peer === book) continue;
    const paid = sum(book.records.values(), ({ topUp, state, price }) =>
      topUp === peer.account && state === 'committed' ? price : 0n,
    );
    const back = sum(entries, ({ type, amounts, payment }) =>
      type === 'credit.received' && payment?.from === peer.account
        ? BigInt(amounts?.amount ?? 0)
        : 0n,
    );
    const out = book.transfers.get(`${peer.account} ${asset}`);
    const into = peer.transfers.get(`${book.account} ${asset}`);
    const found = {
      sent: out?.sent ?? 0n,
      acknowledged: out?.acknowledged ?? 0n,
      received: into?.received ?? 0n,
      back,
    };
    const expected = { sent: paid, acknowledged: paid, received: paid, back: out?.received ?? 0n };
    if (!equal(found, expected)) expect(found).toEqual(expected);
  }
};

/**
 * Every entry in order; the chain must not be broken anywhere (law 11). Nothing is hashed again here, which would double the time of
 * a run: that a head is the hash of its entry is proved by `ledger.test.ts`.
 */
const chainOf = (book: Book): readonly Entry[] => {
  const entries = [...book.records.values()]
    .flatMap((record) => record.entries)
    .concat(book.loose)
    .toSorted((a, b) => a.seq - b.seq);
  let seq = GENESIS.seq;
  let hash: Hex | undefined = GENESIS.hash;
  for (const entry of entries) {
    // Where no decision has ended with an entry, the next one names it.
    const follows = entry.seq === seq + 1 && (hash === undefined || entry.prev === hash);
    if (!follows)
      expect({ seq: entry.seq, prev: entry.prev }).toEqual({ seq: seq + 1, prev: hash });
    seq = entry.seq;
    hash = book.heads.get(seq);
  }
  if (hash !== book.state.head.hash) expect(hash).toEqual(book.state.head.hash);
  return entries;
};

/** `expect` is dear when it is asked a million times: only what differs is handed to it. */
const equal = (one: Readonly<Record<string, unknown>>, other: typeof one): boolean =>
  Object.keys(one).every((key) => one[key] === other[key]);
