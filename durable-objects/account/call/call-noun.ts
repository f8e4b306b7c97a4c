import { entryText } from '../../../src/audit/entry.ts';
import { toStored } from '../../../src/protocol/amount.ts';
import type { StoredAnswer } from '../../../src/protocol/account/call.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import type { Authorization } from '../../../src/protocol/payment.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Noun } from '../../store/noun.ts';
import type { Reader } from '../../store/query.ts';
import { awaitsLook, type CallRecord, type HeldPayment, isFinal, prunesAt } from './record.ts';

type StoredPayment = Omit<HeldPayment, 'authorization'> & {
  readonly authorization: Omit<Authorization, 'value' | 'validAfter' | 'validBefore'> &
    Readonly<Record<'value' | 'validAfter' | 'validBefore', string>>;
};

type Stored = Omit<CallRecord, 'price' | 'charged' | 'held' | 'answer' | 'entries'> & {
  readonly price: number;
  readonly charged: number;
  readonly held?: StoredPayment | undefined;
};

type Detail = { readonly entries: readonly Entry[]; readonly answer?: StoredAnswer };

type Fields = 'due' | 'prune_at' | 'last_seq' | 'valid_before' | 'identifier';

/**
 * `due`: `look` if only the last look at its payment is due, `live` if anything else is; null for a final call. No field has an index: it
 * would cost two rows per call.
 */
export const CALL: Noun<CallRecord, Fields> = {
  name: 'call',
  key: ({ id }) => id,
  encode: ({ entries, answer, price, charged, held, ...rest }) => [
    JSON.stringify({
      ...rest,
      price: toStored(price),
      charged: toStored(charged),
      held: held && encodeHeld(held),
    } satisfies Stored),
    `{"entries":[${entries.map(entryText).join(',')}]${answer === undefined ? '' : `,"answer":${JSON.stringify(answer)}`}}`,
  ],
  decode: (text, detail) => {
    const { price, charged, held, ...rest } = JSON.parse(text) as Stored;
    const { entries, answer }: Detail =
      detail === null ? { entries: [] } : (JSON.parse(detail) as Detail);
    return {
      ...ABSENT,
      ...rest,
      price: BigInt(price),
      charged: BigInt(charged),
      held: held && decodeHeld(held),
      entries,
      answer,
    };
  },
  fields: {
    due: (record) => (isFinal(record) ? null : awaitsLook(record) ? 'look' : 'live'),
    prune_at: (record) => (isFinal(record) ? prunesAt(record) : null),
    last_seq: ({ entries }) => entries.at(-1)?.seq ?? 0,
    valid_before: ({ validBefore }) => validBefore,
    identifier: ({ identifier }) => identifier ?? null,
  },
};

/** The members that JSON omits because they are undefined. */
const ABSENT = {
  identifier: undefined,
  transaction: undefined,
  topUp: undefined,
  finishedEntry: undefined,
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

export const loadCall = (read: Reader, id: Hex): CallRecord | undefined => read.get(CALL, id);
