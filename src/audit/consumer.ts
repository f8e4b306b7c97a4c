import type { AgentAccountRpc } from '../protocol/account/rpc.ts';
import type { AlertBody } from '../protocol/account/alert.ts';
import { projectOfferedGrant } from './offered-grants.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import {
  type DeadLetter,
  type QueueMessage,
  recordDeadLetters,
} from '../settlement/dead-letter.ts';
import { type AuditMessage, readMessage } from './chunk.ts';
import { auditDeadLetter } from './dead-letter.ts';
import type { Entry, Json } from '../protocol/entry.ts';
import { storeChunk, type StoreFault } from './store.ts';

const LONGEST_PAUSE: Seconds = 60;

export type AuditDeps = {
  readonly db: D1Database;
  /** The account's object. */
  readonly account: (id: AccountId) => Pick<AgentAccountRpc, 'exported' | 'document'>;
  /** The statements that bring a webhook's entry into its table. `src/webhooks` owns that table and is a higher layer. */
  readonly projectWebhook: (db: D1Database, entry: Entry) => readonly D1PreparedStatement[];
  /** Raises an operator alert; false where it was not recorded. */
  readonly raise?: (alert: AlertBody) => Promise<boolean>;
  /** Hears each alert, and again when its chunk comes again. Whatever it throws delays the acknowledgement. */
  readonly alert?: (account: AccountId, entry: Entry) => Promise<void>;
  /** Keeps a letter, and makes it known. By default it is only kept. */
  readonly deadLetter?: (letter: DeadLetter) => Promise<void>;
};

type AuditBatch = { readonly queue: string; readonly messages: readonly QueueMessage[] };
type Delivered = { readonly message: QueueMessage; readonly chunk: AuditMessage };

/**
 * Consumes a batch of the audit queue: stores each account's chunks in the order of its chain, tells the account up to where it
 * may forget, and only then acknowledges. Whatever fails on the way comes again, and a redelivery writes nothing (law 5).
 */
export const consumeAudit = async (
  batch: AuditBatch,
  deps: AuditDeps,
  now: Seconds,
): Promise<void> => {
  const delivered: Delivered[] = [];
  for (const message of batch.messages) {
    const chunk = readMessage(message.body);
    if (chunk === undefined) await bury(batch.queue, message, 'malformed message', deps, now);
    else delivered.push({ message, chunk });
  }
  const accounts = Map.groupBy(delivered, ({ chunk }) => chunk.account);
  await Promise.all(
    [...accounts].map(([account, own]) => storeInOrder(batch.queue, account, own, deps, now)),
  );
};

const storeInOrder = async (
  queue: string,
  account: AccountId,
  delivered: readonly Delivered[],
  deps: AuditDeps,
  now: Seconds,
): Promise<void> => {
  const stored: QueueMessage[] = [];
  let last = 0;
  // A queue does not order: what came after a chunk may be delivered before it.
  const inOrder = delivered.toSorted((a, b) => a.chunk.first - b.chunk.first);
  for (const { message, chunk } of inOrder) {
    const result = await storeChunk(deps.db, chunk, now);
    if (result.ok) {
      last = Math.max(last, result.value.last);
      if (await follow(deps, account, result.value.entries)) stored.push(message);
      else retry(message);
    } else if (result.error.kind === 'refused') {
      await bury(queue, message, JSON.stringify(result.error.why), deps, now);
    } else {
      log(account, chunk, result.error);
      if (result.error.kind === 'unavailable') {
        await deps.raise?.({ rule: 'database_unavailable', detail: {} });
      }
      retry(message);
    }
  }
  if (stored.length === 0) return;
  const acknowledged = await tell(deps, account, last);
  for (const message of stored) {
    if (acknowledged) message.ack();
    else retry(message);
  }
};

/**
 * What stored entries set off: alerts go out, and what they say of tools and webhooks is in its table. After the chunk and not with it,
 * so that one entry which cannot be followed never holds up the chain; each step may come twice. False where it must come again.
 */
const follow = async (
  deps: AuditDeps,
  account: AccountId,
  entries: readonly Entry[],
): Promise<boolean> => {
  const { db, alert, projectWebhook } = deps;
  try {
    const whole = await Promise.all(entries.map((entry) => withDocument(deps, entry)));
    const repairs = [
      ...entries.flatMap((entry) => projectOfferedGrant(db, entry)),
      ...whole.flatMap((entry) => (entry === undefined ? [] : projectWebhook(db, entry))),
    ];
    if (repairs.length > 0) await db.batch(repairs);
    for (const entry of entries) if (entry.type === 'alert.raised') await alert?.(account, entry);
    return true;
  } catch (cause) {
    console.error({ event: 'audit_entries_unfollowed', account, cause: String(cause) });
    return false;
  }
};

/**
 * An entry that puts a webhook, with its document: a text that the log held before is named by hash alone, and the account still keeps
 * it. Undefined where the account keeps another one now: a later entry says so. @throws Error where the account does not answer
 */
const withDocument = async ({ account }: AuditDeps, entry: Entry): Promise<Entry | undefined> => {
  const name = entry.outcome?.['name'];
  if (entry.type !== 'webhook.put' || typeof name !== 'string') return entry;
  if (entry.evidence?.['document'] !== undefined) return entry;
  const kept = await account(entry.account).document('webhook', name);
  if (kept.verdict === 'unavailable') throw new Error('The account did not answer.');
  return kept.verdict === 'found' && kept.hash === entry.outcome?.['hash']
    ? { ...entry, evidence: { ...entry.evidence, document: kept.document as Json } }
    : undefined;
};

/** Once a batch and account: each acknowledgement costs the object rows. */
const tell = async (deps: AuditDeps, account: AccountId, last: number): Promise<boolean> => {
  try {
    return (await deps.account(account).exported(last)).verdict === 'ok';
  } catch {
    return false;
  }
};

/** What can never be stored is recorded at once, and not tried a hundred times first. */
const bury = async (
  queue: string,
  message: QueueMessage,
  reason: string,
  deps: AuditDeps,
  now: Seconds,
): Promise<void> => {
  console.error({ event: 'audit_chunk_refused', message: message.id, reason });
  try {
    const letter = auditDeadLetter(message, queue, reason, now);
    await (deps.deadLetter?.(letter) ?? recordDeadLetters(deps.db, [letter]));
    message.ack();
  } catch {
    retry(message);
  }
};

/** 2, 4, 8, … seconds, at most 60. */
const retry = (message: QueueMessage): void => {
  const exponent = Math.min(Math.max(message.attempts, 1), 6);
  message.retry({ delaySeconds: Math.min(LONGEST_PAUSE, 2 ** exponent) });
};

const log = (account: AccountId, chunk: AuditMessage, fault: StoreFault): void => {
  console.warn({
    event: 'audit_chunk_deferred',
    account,
    first: chunk.first,
    last: chunk.last,
    ...fault,
  });
};
