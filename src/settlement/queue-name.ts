/** The three queues of a gateway; each has a dead-letter queue as well. */
export type QueueKind = 'settlement' | 'audit' | 'webhooks';

export type OwnQueue = { readonly kind: QueueKind; readonly isDead: boolean };

const OWN_QUEUE = /(?:^|-)countersign-(settlement|audit|webhooks)(-dead)?$/;

/**
 * Reads the kind of a queue from the end of its name. Queues belong to a Cloudflare account, so each project has its own names, such as
 * `shop-countersign-settlement`, and a producer binding does not tell the Worker the name of its queue. The word `countersign` keeps
 * queues of an application that mounts the gateway apart: `shop-audit` is not ours.
 *
 * @returns undefined for any other queue
 */
export const readQueueName = (name: string): OwnQueue | undefined => {
  const [, kind, dead] = OWN_QUEUE.exec(name) ?? [];
  return kind === undefined ? undefined : { kind: kind as QueueKind, isDead: dead !== undefined };
};
