import type { Seconds } from '../../core/clock.ts';
import type { Backend } from '../backends/backend.ts';
import type { ExpectedTransfer } from '../chain/expected-transfer.ts';
import type { Observation } from '../chain/observation.ts';
import type { Presentations } from './presentations.ts';
import { paymentKey, type SettlementTask, type WithAttempts } from './task.ts';

/** A payment to present, and the backends that were tried for it in this round. */
export type OpenPayment = {
  readonly task: Extract<SettlementTask, { readonly kind: 'settle' }> & WithAttempts;
  readonly observation: Extract<Observation, { readonly kind: 'unused' }>;
  readonly tried: ReadonlySet<Backend>;
};

/** A payment that is unused this long after its acceptance is overdue. */
const OVERDUE: Seconds = 15;

/** This many overdue payments in a batch show a backlog, if they are a quarter of the batch. Fewer may be payments that a backend refuses. */
const BACKLOG = 50;
const BACKLOG_SHARE = 4;

/**
 * Assigns each payment to a backend: the first in order that was not tried. Payments beyond that backend's width go at the same time to a
 * later backend of unlimited width, if there is one, because a backlog ends in missed deadlines. They do not go to another facilitator,
 * because both would share the Worker's connections. A backend that is due for a probe gets only the payment with the latest deadline.
 *
 * A batch that shows a backlog goes as a whole to the backend of unlimited width, which stores all payments at once. A facilitator would
 * keep the consumer waiting for a block, and the backlog would last several times as long as the outage that caused it.
 *
 * @param backendsOf the backends to try now for a payment, in order.
 * @param requests how many requests to facilitators may be open at once.
 * @param now Unix seconds.
 */
export const assign = (
  open: readonly OpenPayment[],
  backendsOf: (transfer: ExpectedTransfer) => readonly Backend[],
  presentations: Presentations,
  requests: number,
  now: Seconds,
): ReadonlyMap<Backend, readonly OpenPayment[]> => {
  const groups = new Map<Backend, OpenPayment[]>();
  const lists = new Map(open.map((one) => [one, backendsOf(one.task.transfer)]));
  const probes = new Map<Backend, OpenPayment>();
  for (const one of open.toReversed()) {
    const probe = lists.get(one)?.find(isProbe);
    if (probe !== undefined && !one.tried.has(probe) && !probes.has(probe)) probes.set(probe, one);
  }
  const overdue = open.filter(({ task }) => now - task.acceptedAt >= OVERDUE).length;
  const isBacklog = overdue >= BACKLOG && overdue * BACKLOG_SHARE >= open.length;
  const isFull = (backend: Backend): boolean => {
    const { width, usesConnections } = backend;
    if (isBacklog && usesConnections) return true;
    const most = usesConnections ? Math.min(width, requests) : width;
    return (groups.get(backend)?.length ?? 0) >= most;
  };
  for (const one of open) {
    const list = lists.get(one) ?? [];
    const others = list.filter((backend) => !isProbe(backend));
    const probe = list.find((backend) => probes.get(backend) === one);
    const backend =
      probe ?? keeperOf(one, others, presentations) ?? pick(inTurn(one, others), isFull);
    if (backend === undefined) continue;
    const group = groups.get(backend);
    if (group === undefined) groups.set(backend, [one]);
    else group.push(one);
  }
  return groups;
};

const isProbe = ({ health }: Backend): boolean => health.availability() === 'probe';

const pick = (
  [first, ...rest]: readonly Backend[],
  isFull: (backend: Backend) => boolean,
): Backend | undefined =>
  first !== undefined && isFull(first)
    ? (rest.find(({ width }) => width === Infinity) ?? first)
    : first;

/** The backend that has stored the payment, and presents it until it ends. */
const keeperOf = (
  { task, tried }: OpenPayment,
  backends: readonly Backend[],
  presentations: Presentations,
): Backend | undefined => {
  const backend = presentations.get(paymentKey(task))?.by;
  const isUsable = backend !== undefined && !tried.has(backend) && backends.includes(backend);
  return isUsable && backend.keepsPayments ? backend : undefined;
};

/** Each delivery of a message starts at a different backend, because the one that rejected the payment may be wrong. */
const inTurn = ({ task, tried }: OpenPayment, backends: readonly Backend[]): readonly Backend[] => {
  const start = Math.max(0, task.attempts - 1) % Math.max(1, backends.length);
  return [...backends.slice(start), ...backends.slice(0, start)].filter(
    (backend) => !tried.has(backend),
  );
};
