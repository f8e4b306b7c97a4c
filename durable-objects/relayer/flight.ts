import type { Hex } from '../../src/core/hex.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type { Fees } from '../../src/settlement/relayer/fees.ts';
import type { Noun } from '../store/noun.ts';

/** One signed version of a transaction. Attempts of one nonce differ in their fees only, and any of them may be mined. */
export type Attempt = Fees & {
  readonly hash: Hex;
  readonly at: Seconds;
  /** The newest block when it was signed. */
  readonly block: number;
};

/** A transaction that is not final. It was stored before it was broadcast. */
export type FlightRecord = {
  readonly nonce: number;
  /** Keys of its payments; none in a transaction that only fills a gap between nonces. */
  readonly keys: readonly string[];
  /** Oldest first. */
  readonly attempts: readonly [Attempt, ...Attempt[]];
  /** The newest attempt, as it is broadcast. */
  readonly raw: Hex;
};

export const newest = ({ attempts }: Pick<FlightRecord, 'attempts'>): Attempt =>
  attempts.at(-1) ?? attempts[0];

/** JSON has no bigint. */
const encodeAttempt = ({ maxFeePerGas, maxPriorityFeePerGas, ...attempt }: Attempt) => ({
  ...attempt,
  maxFeePerGas: maxFeePerGas.toString(),
  maxPriorityFeePerGas: maxPriorityFeePerGas.toString(),
});

type StoredAttempt = ReturnType<typeof encodeAttempt>;

const decodeAttempt = ({
  maxFeePerGas,
  maxPriorityFeePerGas,
  ...attempt
}: StoredAttempt): Attempt => ({
  ...attempt,
  maxFeePerGas: BigInt(maxFeePerGas),
  maxPriorityFeePerGas: BigInt(maxPriorityFeePerGas),
});

type Stored = Omit<FlightRecord, 'attempts'> & {
  readonly attempts: readonly [StoredAttempt, ...StoredAttempt[]];
};

export const FLIGHT: Noun<FlightRecord> = {
  name: 'flight',
  key: ({ nonce }) => nonce,
  encode: ({ attempts: [first, ...more], ...flight }) =>
    JSON.stringify({
      ...flight,
      attempts: [encodeAttempt(first), ...more.map(encodeAttempt)],
    } satisfies Stored),
  decode: (text) => {
    const { attempts, ...flight } = JSON.parse(text) as Stored;
    const [first, ...more] = attempts;
    return { ...flight, attempts: [decodeAttempt(first), ...more.map(decodeAttempt)] };
  },
};
