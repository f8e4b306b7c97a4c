import log from '../vectors/audit-export/entries/eip155_84532_0x6308928cbac64cb87697d0dc06d3c8d90b44abab.ndjson?raw';
import { GENESIS, link } from '../../src/audit/entry.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type { Hex } from '../../src/core/hex.ts';
import { hexOf } from '../../src/crypto/bytes.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { ChainHead, Entry, EntryBody } from '../../src/protocol/entry.ts';

/** A deferred call in the exported log of a local stack's gateway. */
const CALL = '0x3062e87a835c7dcf0564c43a13edeb9fee7f6f52e8fdc12f5096f6d48feccd0c';
const ORIGINAL = log
  .split('\n')
  .filter((line) => line.includes(`"call":"${CALL}"`))
  .map((line) => JSON.parse(line) as Entry);
const [PAYER = ''] = ORIGINAL.map(({ account }) => account);
/** Matches hashes, ids and signatures, which have 32 bytes or more. */
const WORDS = /0x(?:[0-9a-f]{2}){32,}/g;
/** The values that all calls of a tool share. */
const SHARED = new Set<unknown>(
  ORIGINAL.flatMap(({ policy, evidence }) => [policy, evidence?.['terms']]),
);
/** Seconds from a call's acceptance to each of its entries. */
const TIMES: readonly Seconds[] = [0, 1, 9];

const randomBytes = (count: number): Hex => hexOf(crypto.getRandomValues(new Uint8Array(count)));

/**
 * The entries of one deferred call: accepted, finished, settled. The fields are those of a real call, with random ids, digests and
 * signatures, so that the entries compress as badly as real ones.
 */
export const callLikeReal = (account: AccountId, at: Seconds): readonly EntryBody[] => {
  const words = new Map<string, string>();
  const replaced = (word: string): string => {
    if (SHARED.has(word)) return word;
    const known = words.get(word) ?? randomBytes((word.length - 2) / 2);
    words.set(word, known);
    return known;
  };
  const bodies = ORIGINAL.map(
    ({ v: _, account: _of, seq: _seq, prev: _prev, salt: _salt, ...body }) => body,
  );
  const text = JSON.stringify(bodies)
    .replaceAll(WORDS, replaced)
    .replaceAll(addressIn(PAYER), addressIn(account));
  return (JSON.parse(text) as EntryBody[]).map((body, place) => ({
    ...body,
    at: at + (TIMES[place] ?? 0),
  }));
};

const addressIn = (account: string): string => account.split(':')[2] ?? account;

/** Accounts that append to their chains. */
export const openWriters = () => {
  const heads = new Map<AccountId, ChainHead>();
  return (account: AccountId, bodies: readonly EntryBody[]): readonly Entry[] => {
    let head = heads.get(account) ?? GENESIS;
    const entries = bodies.map((body) => {
      const linked = link(head, account, randomBytes(16), body);
      ({ head } = linked);
      return linked.entry;
    });
    heads.set(account, head);
    return entries;
  };
};
