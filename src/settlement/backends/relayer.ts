import type { Seconds } from '../../core/clock.ts';
import type { Address } from '../../core/hex.ts';
import { inTime } from '../../core/in-time.ts';
import { type AccountId, accountId, type Network } from '../../protocol/account-id.ts';
import { RELAYER, type Relayed, type RelayerRpc } from '../../protocol/relayer-contract.ts';
import { inActiveSpan } from '../../tracing/trace.ts';
import { keyOfPayer } from '../relayer/key-of-payer.ts';
import {
  type Backend,
  type BackendAnswer,
  BUSY,
  errorOf,
  type OpenContext,
  type Presentable,
  type PresentOptions,
} from './backend.ts';
import type { Health } from './health.ts';

/** The relayer of one network as `RELAYERS` configures it. */
export type RelayerSetting = {
  /** Pay the gas: addresses of keys in `RELAYER_KEY`, or of keys that `signer` holds. */
  readonly addresses: readonly [Address, ...Address[]];
  /** JSON-RPC URL that answers `eth_signTransaction` for each of them; absent: `RELAYER_KEY` signs. */
  readonly signer?: string;
  /** Payments in one transaction, at most. */
  readonly batch: number;
  /** How long the oldest payment waits for others to join it. */
  readonly wait: Seconds;
  /** Above this fee (wei per unit of gas) nothing is sent, unless a deadline is near. */
  readonly maxFeePerGas: bigint;
  /** Whether it is tried before the facilitators. */
  readonly first: boolean;
};

export type RelayerSettings = { readonly relayers: ReadonlyMap<Network, RelayerSetting> };

/** Returns the Relayer object of a key: a fresh stub per call, because a stub that has thrown stays broken. */
export type RelayerOf = (key: AccountId) => Pick<RelayerRpc, 'relay'>;

const FIRST_RANK = 0;
const LAST_RANK = 2;
/** The object stores the payments and answers; it does not wait for the chain. */
const TIMEOUT_MS = 10_000;
const MIN_MS = 5_000;
/** A key without gas or without settings is not repaired within one round. */
const USELESS_PAUSE: Seconds = 15;

/** Opens a backend for each key of each network. It hands all payments over in one call. */
export const openRelayers = (
  { relayers }: RelayerSettings,
  context: OpenContext & { readonly relayer: RelayerOf },
): readonly Backend[] =>
  [...relayers].flatMap(([network, { addresses, first }]) =>
    addresses.map((address): Backend => {
      const name = nameOf(address, addresses);
      const health = context.openHealth(network, name);
      const key = accountId(network, address);
      return {
        name,
        network,
        rank: first ? FIRST_RANK : LAST_RANK,
        width: Infinity,
        usesConnections: false,
        keepsPayments: true,
        health,
        takes: (payer, sender = keyOfPayer(payer, addresses)) => sender === address,
        supportsNetwork: () => true,
        refresh: async () => undefined,
        present: async (payments, options) =>
          presentAll({ ...context, network, name, key, health }, payments, options),
      };
    }),
  );

/** `relayer`, or with several keys `relayer-` and the first eight digits of the address. */
const nameOf = (address: Address, { length }: readonly Address[]): string =>
  length === 1 ? RELAYER : `${RELAYER}-${address.slice(2, 10)}`;

type Context = OpenContext & {
  readonly network: Network;
  readonly name: string;
  readonly key: AccountId;
  readonly health: Health;
  readonly relayer: RelayerOf;
};

const OPEN: BackendAnswer = { kind: 'declined', why: 'circuit_open' };
const LATE: BackendAnswer = { kind: 'declined', why: BUSY };

const presentAll = async (
  { network, name, key, health, relayer, clock, emit }: Context,
  payments: readonly Presentable[],
  { startBy, endBy, source }: PresentOptions,
): Promise<readonly BackendAnswer[]> => {
  const availability = health.availability();
  if (availability === 'down') return payments.map(() => OPEN);
  const from = clock.now();
  // The deadline leaves no time for an answer, so a missing answer must not count as a fault of the relayer.
  if (from > Math.min(startBy, endBy - MIN_MS)) return payments.map(() => LATE);
  if (availability === 'probe') health.probe();
  const presented = availability === 'probe' ? payments.slice(0, 1) : payments;
  const timeoutMs = Math.min(TIMEOUT_MS, endBy - from);
  const answers = await handOver(relayer(key), presented, source === 'request', timeoutMs);
  const isUseless = answers.every((one) => one.kind === 'declined' && one.why === 'unsupported');
  const worst = answers.find(isTrouble) ?? answers.find(({ kind }) => kind !== 'taken');
  const error = worst && errorOf(worst);
  emit({
    event: 'backend_answered',
    network,
    backend: name,
    ok: !isUseless && !answers.some(isTrouble),
    milliseconds: clock.now() - from,
    ...(error === undefined ? {} : { error }),
  });
  // One signal per call: fifty payments with the same answer are one fault, not fifty.
  if (isUseless) health.record('fault', error, USELESS_PAUSE);
  else if (worst !== undefined && isTrouble(worst)) {
    // Doubled pauses are for other operators' servers. The gateway's own relayer fails only while its node is down, and payments then wait
    // for it.
    const pause = availability === 'probe' ? USELESS_PAUSE : undefined;
    health.record('fault', error, worst.retryAfter ?? pause);
  } else health.record('success');
  return [...answers, ...payments.slice(presented.length).map(() => OPEN)];
};

type Trouble = Extract<BackendAnswer, { readonly retryAfter?: Seconds }>;

/** Whether an answer concerns the relayer, and not the payment. */
const isTrouble = (answer: BackendAnswer): answer is Trouble =>
  answer.kind === 'unreachable' || (answer.kind === 'declined' && answer.retryAfter !== undefined);

const UNAVAILABLE: BackendAnswer = { kind: 'unreachable', why: 'unavailable' };

const handOver: typeof send = async (relayer, payments, urgent, timeoutMs) =>
  inActiveSpan('relay', async (span) => {
    const answers = await send(relayer, payments, urgent, timeoutMs);
    const [first] = answers;
    span?.set({
      'countersign.count': payments.length,
      ...(first === undefined ? {} : { 'countersign.settlement.state': first.kind }),
    });
    return answers;
  });

const send = async (
  relayer: Pick<RelayerRpc, 'relay'>,
  payments: readonly Presentable[],
  urgent: boolean,
  timeoutMs: number,
): Promise<readonly BackendAnswer[]> => {
  try {
    const relayed = await inTime(relayer.relay(payments, urgent), timeoutMs);
    // Matched by position, not by call: a nonce is the payer's choice, so two accounts may have calls of the same id.
    return payments.map(({ call }, at) => {
      const one = relayed[at];
      return one?.call === call ? answerOf(one) : UNAVAILABLE;
    });
  } catch {
    return payments.map(() => UNAVAILABLE);
  }
};

const answerOf = ({ verdict, transaction }: Relayed): BackendAnswer => {
  switch (verdict) {
    case 'taken':
      return transaction === undefined ? { kind: 'taken' } : { kind: 'taken', transaction };
    case 'refused':
    case 'expired':
      return { kind: 'claimed_failure', reason: verdict };
    case 'gas':
      return { kind: 'declined', why: verdict, retryAfter: USELESS_PAUSE };
    // `fee`: gas is too dear for an urgent payment. The relayer still takes payments that can wait.
    case 'fee':
    case 'full':
    case 'unsupported':
      return { kind: 'declined', why: verdict };
    // Worker and object are deployed separately: a verdict that this Worker does not know has taken nothing.
    case 'unavailable':
    default:
      return UNAVAILABLE;
  }
};
