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

/** `due`: `look` if only the last look at its payment is due, `parked` if the call waits for a person, `live` if anything else is; null for a final call. */
export const CALL: Noun<CallRecord, Fields> = {
  name: 'call',
  key: ({ id }) => id,
  encode: (record) => [
    JSON.stringify({
      ...record,
      price: toStored(record.price),
      charged: toStored(record.charged),
      held: record.held && encodeHeld(record.held),
      // `JSON.stringify` omits these: they are parts of the detail.
      entries: undefined,
      answer: undefined,
    } satisfies Stored),
    ...partsOf(record),
  ],
  decode: (text, parts) => {
    const { price, charged, held, ...rest } = JSON.parse(text) as Stored;
    return {
      ...ABSENT,
      ...rest,
      price: BigInt(price),
      charged: BigInt(charged),
      held: held && decodeHeld(held),
      ...readParts(parts),
    };
  },
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

type StoredPayment = Omit<HeldPayment, 'authorization'> & {
  readonly authorization: Omit<Authorization, 'value' | 'validAfter' | 'validBefore'> &
    Readonly<Record<'value' | 'validAfter' | 'validBefore', string>>;
};

type Stored = Omit<CallRecord, 'price' | 'charged' | 'held' | 'answer' | 'entries'> & {
  readonly price: number;
  readonly charged: number;
  readonly held?: StoredPayment | undefined;
  readonly entries?: undefined;
  readonly answer?: undefined;
};

/** Begins the part that holds the answer; the others are entries, which begin with a brace. */
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
const partsOf = ({ entries, answer }: CallRecord): string[] => {
  const parts = entries.map(entryText);
  if (answer === undefined) return parts;
  const at = entries.findIndex(({ type }) => type === 'call.finished');
  parts.splice(at < 0 ? parts.length : at + 1, 0, answerText(answer));
  return parts;
};

const readParts = (parts: readonly string[]): Pick<CallRecord, 'entries' | 'answer'> => {
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

/** Signed values may be as large as a uint256 (a `validBefore`), so they are stored as text. */
const encodeHeld = ({ authorization, ...held }: HeldPayment): StoredPayment => ({
  ...held,
  authorization: {
    ...authorization,
    value: authorization.value.toString(),
    validAfter: authorization.validAfter.toString(),
    validBefore: authorization.validBefore.toString(),
  },
});

const decodeHeld = ({ authorization, ...held }: StoredPayment): HeldPayment => ({
  ...held,
  authorization: {
    ...authorization,
    value: BigInt(authorization.value),
    validAfter: BigInt(authorization.validAfter),
    validBefore: BigInt(authorization.validBefore),
  },
});
