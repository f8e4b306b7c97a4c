import type { Relayed, RelayerRpc } from '../../protocol/relayer-contract.ts';
import type { Network } from '../../protocol/account-id.ts';
import type { Seconds } from '../../core/clock.ts';
import type { Observe } from '../telemetry.ts';
import { type Backend, RELAYER } from './backend.ts';
import type { Clock } from './clock.ts';
import type { Health } from './health.ts';
import { errorOf, type Presentable, type Presented } from './backend-answer.ts';

/** The object of a network. A fresh stub each time: one that has thrown stays broken (platform facts 1.4). */
export type AskRelayer = (network: Network) => Pick<RelayerRpc, 'relay'>;

/** The object stores and answers; a chain it does not wait for. */
const TIMEOUT_MS = 10_000;
const LEAST_MS = 5_000;
/** A key that cannot pay or is not set up does not mend within a round. */
const USELESS: Seconds = 15;

/** Our own key on a network, as a backend: hands all payments over in one call. */
export const relayerBackend = (
  network: Network,
  ask: AskRelayer,
  health: Health,
  { clock, observe }: { readonly clock: Clock; readonly observe: Observe },
): Backend => ({
  name: RELAYER,
  network,
  width: Infinity,
  standing: health.standing,
  learn: (lesson, error) => health.learn(lesson, error),
  present: async (payments, { startBy, endBy, on }) => {
    const standing = health.standing();
    if (standing === 'down') return payments.map(() => OUT);
    const from = clock.now();
    // Nobody hears an answer that comes so late: not to have given it is no fault.
    if (from > Math.min(startBy, endBy - LEAST_MS)) return payments.map(() => LATE);
    if (standing === 'probe') health.probe();
    const tried = standing === 'probe' ? payments.slice(0, 1) : payments;
    const timeoutMs = Math.min(TIMEOUT_MS, endBy - from);
    const said = await handOver(ask, network, tried, on === 'request', timeoutMs);
    const isUseless = said.every((one) => one.kind === 'declined' && one.why === 'unsupported');
    const worst = said.find(isTrouble) ?? said.find(({ kind }) => kind !== 'taken');
    const error = worst && errorOf(worst);
    observe({
      event: 'backend_answered',
      network,
      backend: RELAYER,
      ok: !isUseless && !said.some(isTrouble),
      milliseconds: clock.now() - from,
      ...(error === undefined ? {} : { error }),
    });
    // One call, one lesson: fifty payments that hear the same have not learnt it fifty times.
    if (isUseless) health.learn('fault', error, USELESS);
    else if (worst !== undefined && isTrouble(worst)) {
      health.learn('fault', error, worst.retryAfter);
    } else health.learn('good');
    return [...said, ...payments.slice(tried.length).map(() => OUT)];
  },
});

const OUT: Presented = { kind: 'declined', why: 'circuit_open' };
const LATE: Presented = { kind: 'declined', why: 'busy' };

type Trouble = Extract<Presented, { readonly retryAfter?: Seconds }>;

/** It says something of the relayer, not of a payment. */
const isTrouble = (presented: Presented): presented is Trouble =>
  presented.kind === 'unreachable' ||
  (presented.kind === 'declined' && presented.retryAfter !== undefined);

const handOver = async (
  ask: AskRelayer,
  network: Network,
  payments: readonly Presentable[],
  urgent: boolean,
  timeoutMs: number,
): Promise<readonly Presented[]> => {
  const silent: Presented = { kind: 'unreachable', why: 'unavailable' };
  try {
    const timeout = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => timeout.resolve(undefined), timeoutMs);
    const relayed = await Promise.race([ask(network).relay(payments, urgent), timeout.promise]);
    clearTimeout(timer);
    // By place, not by call: a nonce is the payer's choice, so two accounts may have calls of one name.
    return payments.map(({ call }, at) => {
      const one = relayed?.[at];
      return one?.call === call ? read(one.verdict) : silent;
    });
  } catch {
    return payments.map(() => silent);
  }
};

const read = (verdict: Relayed['verdict']): Presented => {
  switch (verdict) {
    case 'taken':
      return { kind: 'taken' };
    case 'refused':
    case 'expired':
      return { kind: 'claimed_failure', reason: verdict };
    case 'gas':
      return { kind: 'declined', why: verdict, retryAfter: USELESS };
    // Too dear for what is urgent: that says nothing of the relayer, who takes from those that can wait.
    case 'fee':
    case 'full':
    case 'unsupported':
      return { kind: 'declined', why: verdict };
    // During a deploy the object may be of the next release: a word that is not known here has not taken anything.
    case 'unavailable':
    default:
      return { kind: 'unreachable', why: 'unavailable' };
  }
};
