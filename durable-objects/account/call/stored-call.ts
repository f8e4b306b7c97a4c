import { entryText, readEntry } from '../../../src/audit/entry.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Call, StoredAnswer } from '../../../src/protocol/account/call.ts';
import { toStored } from '../../../src/protocol/amount.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import type { Authorization } from '../../../src/protocol/payment.ts';
import { type Noun, put } from '../../store/noun.ts';
import type { Reader } from '../../store/query.ts';
import { awaitsLook, type CallRecord, forgetAt, type HeldPayment, isFinal } from './call-record.ts';
import { firstCallUnder, IDENTIFIER } from './payment-identifier.ts';

type Fields = 'due';

/**
 * A call as stored. The text has what changes while the call runs. The first part has its terms, the others its entries and its answer, so
 * that a later write of the call adds little to the journal.
 *
 * `due`: `look` if only the last look at its payment is due, `parked` if the call waits for a person, `live` if anything else is; null for
 * a final call.
 */
export const CALL: Noun<CallRecord, Fields> = {
  name: 'call',
  key: ({ id }) => id,
  encode: (record) => [progressText(record), termsText(record), ...detailOf(record)],
  decode: (text, [terms = '', ...detail]) => {
    const { charged, signature, ...progress } = JSON.parse(text) as StoredProgress;
    const { price, held, ...rest } = JSON.parse(terms) as StoredTerms;
    return {
      ...ABSENT,
      ...rest,
      ...progress,
      price: BigInt(price),
      charged: BigInt(charged),
      held: held && decodeHeld(held, signature),
      ...readDetail(detail),
    };
  },
  briefParts: 1,
  fields: {
    due: (record) =>
      isFinal(record)
        ? null
        : awaitsLook(record)
          ? 'look'
          : record.state === 'parked'
            ? 'parked'
            : 'live',
  },
  entries: ({ entries }) => entries,
  forgetAt: (record) => (isFinal(record) ? forgetAt(record) : undefined),
  companions: ({ id, identifier }) =>
    identifier === undefined ? [] : [put(IDENTIFIER, { digest: identifier, call: id })],
};

/** Returns a call, including the writes of earlier decisions of the group. */
export const loadCall = (read: Reader, id: Hex): CallRecord | undefined => read.get(CALL, id);

/**
 * Returns the record of a call. A payment-identifier leads to the call that first used it, whatever signature comes with it now.
 *
 * Race: two signatures under one identifier arrive at once. The decision that reserves looks the identifier up, so only one is new.
 */
export const recordOf = ({ id, identifier }: Call, read: Reader): CallRecord | undefined => {
  const first = identifier === undefined ? undefined : firstCallUnder(read, identifier);
  return (first === undefined ? undefined : loadCall(read, first)) ?? loadCall(read, id);
};

/** The members that change while a call runs, and the signature, which is erased when its payment ends. */
type Progress = Pick<
  CallRecord,
  | 'attempt'
  | 'state'
  | 'payment'
  | 'dispatchedAt'
  | 'holdUntil'
  | 'hadLastLook'
  | 'transaction'
  | 'finishedEntry'
  | 'park'
>;

type StoredProgress = Progress & { readonly charged: number; readonly signature?: Hex | undefined };

/** All other members. */
type Terms = Omit<CallRecord, keyof Progress | 'charged' | 'held' | 'entries' | 'answer'>;

type StoredTerms = Omit<Terms, 'price'> & {
  readonly price: number;
  readonly held?: StoredPayment | undefined;
};

/** Signed values may be as large as a uint256 (a `validBefore`), so they are stored as text. */
type StoredPayment = Omit<HeldPayment, 'authorization' | 'signature'> & {
  readonly authorization: Omit<Authorization, 'value' | 'validAfter' | 'validBefore'> &
    Readonly<Record<'value' | 'validAfter' | 'validBefore', string>>;
};

const progressText = ({
  attempt,
  state,
  payment,
  charged,
  dispatchedAt,
  holdUntil,
  hadLastLook,
  transaction,
  finishedEntry,
  park,
  held,
}: CallRecord): string =>
  JSON.stringify({
    ...{ attempt, state, payment, charged: toStored(charged), dispatchedAt, holdUntil },
    ...{ hadLastLook, transaction, finishedEntry, park, signature: held?.signature },
  } satisfies StoredProgress);

const termsOf = ({
  attempt: _attempt,
  state: _state,
  payment: _payment,
  charged: _charged,
  dispatchedAt: _dispatchedAt,
  holdUntil: _holdUntil,
  hadLastLook: _hadLastLook,
  transaction: _transaction,
  finishedEntry: _finishedEntry,
  park: _park,
  held: _held,
  entries: _entries,
  answer: _answer,
  ...terms
}: CallRecord): Terms => terms;

/** The terms of a call by its first entry, with their text: each write of the call has the same ones. */
const texts = new WeakMap<
  Entry,
  {
    readonly terms: Terms;
    readonly authorization: Authorization | undefined;
    readonly text: string;
  }
>();

const termsText = (record: CallRecord): string => {
  const [first] = record.entries;
  const known = first && texts.get(first);
  if (known !== undefined && known.authorization === record.held?.authorization) {
    const names = Object.keys(known.terms) as readonly (keyof Terms)[];
    if (names.every((name) => known.terms[name] === record[name])) return known.text;
  }
  const { held } = record;
  const terms = termsOf(record);
  const text = JSON.stringify({
    ...terms,
    price: toStored(record.price),
    held: held && encodeHeld(held),
  } satisfies StoredTerms);
  if (first !== undefined) texts.set(first, { terms, authorization: held?.authorization, text });
  return text;
};

/** Begins the part that holds the answer; the entries begin with a brace. */
const ANSWER = 'A';

/** Texts of answers: each later write of the call encodes the same answer again. */
const answerTexts = new WeakMap<StoredAnswer, string>();

const answerText = (answer: StoredAnswer): string => {
  const known = answerTexts.get(answer);
  if (known !== undefined) return known;
  const text = `${ANSWER}${JSON.stringify(answer)}`;
  answerTexts.set(answer, text);
  return text;
};

/** The entries in order. The answer follows the entry that finished the call, so that a call only ever adds parts. */
const detailOf = ({ entries, answer }: CallRecord): string[] => {
  const parts = entries.map(entryText);
  if (answer === undefined) return parts;
  const at = entries.findIndex(({ type }) => type === 'call.finished');
  parts.splice(at < 0 ? parts.length : at + 1, 0, answerText(answer));
  return parts;
};

const readDetail = (parts: readonly string[]): Pick<CallRecord, 'entries' | 'answer'> => {
  const entries: Entry[] = [];
  let answer: StoredAnswer | undefined;
  for (const part of parts) {
    if (part.startsWith(ANSWER)) answer = JSON.parse(part.slice(ANSWER.length)) as StoredAnswer;
    else entries.push(readEntry(part));
  }
  return { entries, answer };
};

/** The members that JSON omits because they are undefined. */
const ABSENT = {
  identifier: undefined,
  transaction: undefined,
  topUp: undefined,
  finishedEntry: undefined,
  park: undefined,
  grant: undefined,
};

const encodeHeld = ({ authorization, signature: _, ...held }: HeldPayment): StoredPayment => ({
  ...held,
  authorization: {
    ...authorization,
    value: authorization.value.toString(),
    validAfter: authorization.validAfter.toString(),
    validBefore: authorization.validBefore.toString(),
  },
});

const decodeHeld = (
  { authorization, ...held }: StoredPayment,
  signature: Hex | undefined,
): HeldPayment => ({
  ...held,
  authorization: {
    ...authorization,
    value: BigInt(authorization.value),
    validAfter: BigInt(authorization.validAfter),
    validBefore: BigInt(authorization.validBefore),
  },
  ...(signature === undefined ? {} : { signature }),
});
