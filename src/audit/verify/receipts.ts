import * as z from 'zod/mini';
import type { Hex } from '../../core/hex.ts';
import { decodeBase64Url, decodeUtf8, utf8 } from '../../crypto/bytes.ts';
import { type AccountId, parseAccountId } from '../../protocol/account-id.ts';
import type { Entry, Json } from '../../protocol/entry.ts';
import { RECEIPT_TYPE } from '../../protocol/receipt.ts';
import { parseStrictJson } from '../../protocol/strict-json.ts';
import { bytes32, printable } from '../../protocol/wire-fields.ts';
import type { Check, HashedEntry, Place, Survey } from './check.ts';
import type { KeySet } from '../../protocol/key-set.ts';
import { type LogFile, MAX_BROKEN_LINES, readLines } from './lines.ts';
import { isSameJson } from './replay/members.ts';
import { createTally, type Tally } from './tally.ts';

/** Characters of a receipt, at most. */
const MAX_TOKEN = 8_192;

const amount = z.string().check(z.regex(/^(?:0|[1-9][0-9]{0,77})$/));
/** The claims that entries state as well (docs/wire-format.md §13). */
const claimsSchema = z.looseObject({
  agent: z.custom<AccountId>(
    (value) => typeof value === 'string' && parseAccountId(value) !== undefined,
  ),
  tool: printable(256),
  call: bytes32,
  request: bytes32,
  binding: z.enum(['none', 'intent']),
  charged: amount,
  asset: z.string(),
  status: z.int(),
  response: z.string(),
  entry: bytes32,
  policy: bytes32,
  iat: z.int(),
  usage: z.exactOptional(z.record(z.string(), z.int())),
  basis: z.exactOptional(z.string()),
  end: z.exactOptional(z.string()),
});

type Claims = z.output<typeof claimsSchema>;

/** `charged`: the last entry about the call that states another charge. A later one may correct it. */
type Open = {
  readonly claims: Claims;
  readonly place: Place;
  isFound: boolean;
  charged?: HashedEntry;
};

/**
 * Checks receipts against the entries: the signature of each, that the chain of its agent has the entry that it names, and every field that
 * both state. If no chain has a receipt's entry, a chain was rewritten or cut.
 *
 * @param file one compact JWS a line
 */
export const createReceipts = async (
  file: LogFile,
  keys: KeySet,
  { accounts }: Pick<Survey, 'accounts'>,
): Promise<Check> => {
  const tally = createTally('receipts');
  const byCall = new Map<Hex, Open[]>();
  for (const open of await readReceipts(file, keys, tally)) {
    const { call } = open.claims;
    byCall.set(call, [...(byCall.get(call) ?? []), open]);
  }
  /** The time of each account's last entry in the files. */
  const written = new Map<string, number>();

  return {
    id: 'receipts',
    see: (seen) => {
      const { entry, hash } = seen;
      written.set(entry.account, entry.at);
      if (entry.call === undefined) return;
      for (const open of byCall.get(entry.call) ?? []) {
        if (open.claims.entry === hash) {
          open.isFound = true;
          const field = firstDifference(entry, open.claims, NAMED);
          if (field !== undefined) tally.breakAt(seen, 'differs_from_receipt', field);
          if (entry.at > open.claims.iat) tally.breakAt(seen, 'later_than_receipt', 'at');
        }
        if (entry.account !== open.claims.agent) continue;
        const field = firstDifference(entry, open.claims, STATED);
        if (field !== undefined) tally.breakAt(seen, 'differs_from_receipt', field);
        const charged = entry.amounts?.['charged'];
        if (charged === open.claims.charged) delete open.charged;
        else if (charged !== undefined && entry.type === 'call.finished') open.charged = seen;
      }
    },
    end: () => {
      for (const { claims, place, isFound, charged } of [...byCall.values()].flat()) {
        const until = written.get(claims.agent);
        if (charged !== undefined) {
          tally.breakAt(charged, 'differs_from_receipt', 'amounts.charged');
        } else if (isFound) tally.prove();
        else if (until === undefined || !accounts.has(claims.agent)) {
          tally.skip(`the chain of ${claims.agent}, which has receipts, is missing`);
        } else if (until <= claims.iat) {
          tally.skip('some receipts are newer than the entries; export the accounts again');
        } else {
          tally.breakWith({ ...place, account: claims.agent, reason: 'entry_missing' });
        }
      }
      return tally.finding();
    },
  };
};

type Statement = {
  readonly field: string;
  readonly of: (entry: Entry) => Json | undefined;
  readonly claim: (claims: Claims) => Json | undefined;
};

/** The statement of the entry that the receipt names by hash. */
const NAMED: readonly Statement[] = [
  { field: 'account', of: ({ account: of }) => of, claim: ({ agent }) => agent },
  { field: 'policy', of: ({ policy }) => policy, claim: ({ policy }) => policy },
];

/** The common statement of every entry about the call. */
const STATED: readonly Statement[] = [
  { field: 'tool', of: ({ tool }) => tool, claim: ({ tool }) => tool },
  { field: 'request', of: ({ request }) => request, claim: ({ request }) => request },
  { field: 'binding', of: ({ binding }) => binding, claim: ({ binding }) => binding },
  {
    field: 'payment.asset',
    of: ({ type, payment }) => (type === 'call.accepted' ? payment?.['asset'] : undefined),
    claim: ({ asset }) => asset,
  },
  {
    field: 'outcome.status',
    of: ({ type, outcome }) => (type === 'call.finished' ? outcome?.['status'] : undefined),
    claim: ({ status }) => status,
  },
  {
    field: 'outcome.digest',
    of: ({ type, outcome }) => (type === 'call.finished' ? hashIn(outcome?.['digest']) : undefined),
    claim: ({ response }) => hashIn(response),
  },
  {
    field: 'outcome.usage',
    of: ({ type, outcome }) => (type === 'call.finished' ? outcome?.['usage'] : undefined),
    claim: ({ usage }) => usage,
  },
  {
    field: 'outcome.basis',
    of: ({ type, outcome }) => (type === 'call.finished' ? outcome?.['basis'] : undefined),
    claim: ({ basis }) => basis,
  },
  // The entry of a stream that broke off has the same reason as its receipt, unless the tool failed for another one.
  {
    field: 'outcome.reason',
    of: (entry) => reasonIn(entry, 'timeout'),
    claim: ({ end }) => end,
  },
  {
    field: 'outcome.reason',
    of: (entry) => reasonIn(entry, 'answered', 'truncated'),
    claim: ({ end }) => (end === 'truncated' || end === 'timeout' ? end : undefined),
  },
];

/** The reason of an end, if it is one of these. */
const reasonIn = ({ type, outcome }: Entry, ...reasons: readonly string[]): Json | undefined =>
  type === 'call.finished' ? reasons.find((reason) => reason === outcome?.['reason']) : undefined;

const hashIn = (value: unknown): string | undefined =>
  typeof value === 'string' && value.startsWith('0x') ? value : undefined;

/** The first field that both state with different values. */
const firstDifference = (
  entry: Entry,
  claims: Claims,
  statements: readonly Statement[],
): string | undefined =>
  statements.find(({ of, claim }) => {
    const [own, theirs] = [of(entry), claim(claims)];
    return own !== undefined && theirs !== undefined && !isSameJson(own, theirs);
  })?.field;

const readReceipts = async (
  file: LogFile,
  keys: KeySet,
  tally: Tally,
): Promise<readonly Open[]> => {
  const receipts: Open[] = [];
  let broken = 0;
  for await (const { lines, fault } of readLines(file, { limit: MAX_TOKEN })) {
    for (const { number, bytes } of lines) {
      const place = { file: file.name, line: number };
      const read = await readReceipt((decodeUtf8(bytes) ?? '').replace(/\r$/, ''), keys);
      if (typeof read === 'string') {
        if (read === 'unknown_key')
          tally.skip('jwks.json lacks the key of some receipts; give --keys');
        else {
          tally.breakWith({ ...place, reason: read });
          if (++broken === MAX_BROKEN_LINES) return receipts;
        }
      } else receipts.push({ claims: read, place, isFound: false });
    }
    if (fault !== undefined) tally.breakWith({ file: file.name, ...fault });
  }
  return receipts;
};

/** The signed claims. The token chooses neither the algorithm nor the source of keys (RFC 8725 §3.1). */
const readReceipt = async (
  token: string,
  keys: KeySet,
): Promise<Claims | 'malformed_receipt' | 'unknown_key' | 'wrong_signer'> => {
  const parts = token.split('.');
  const [header, claims, signature] = parts.map(decodeBase64Url);
  const read = headerSchema.safeParse(jsonIn(header)).data;
  if (read === undefined || claims === undefined || signature === undefined || parts.length > 3)
    return 'malformed_receipt';
  const key = keys.get(read.kid);
  if (key === undefined) return 'unknown_key';
  const isSigned =
    (read.alg === 'EdDSA' || read.alg === 'Ed25519') &&
    !('crit' in read) &&
    (await crypto.subtle.verify(
      'Ed25519',
      key,
      new Uint8Array(signature),
      utf8(parts.slice(0, 2).join('.')),
    ));
  if (!isSigned) return 'wrong_signer';
  return claimsSchema.safeParse(jsonIn(claims)).data ?? 'malformed_receipt';
};

const headerSchema = z.looseObject({ typ: z.literal(RECEIPT_TYPE), kid: z.string() });

const jsonIn = (bytes: Uint8Array | undefined): unknown => {
  const text = bytes && decodeUtf8(bytes);
  const parsed = text === undefined ? undefined : parseStrictJson(text);
  return parsed?.ok === true ? parsed.value : undefined;
};
