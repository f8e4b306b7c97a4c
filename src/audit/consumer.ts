import { encodeBase64 } from '../crypto/bytes.ts';
import type { AgentAccountRpc } from '../protocol/account/rpc.ts';
import type { AlertBody } from '../protocol/alert.ts';
import type { Entry, Json } from '../protocol/entry.ts';
import { factsIf } from '../protocol/log/facts.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { projectOfferedGrant } from './offered-grant-entries.ts';
import type { Appended, AuditLogRpc, StoredRun } from '../protocol/audit-log-contract.ts';
import type { Seconds } from '../core/clock.ts';
import {
  type DeadLetter,
  type MakeDeadLetter,
  type QueueMessage,
  recordDeadLetters,
} from '../settlement/dead-letter.ts';
import { type AuditMessage } from './chunk.ts';
import { readMessage } from './read-chunk.ts';
import { entryHash } from './entry.ts';
import { storeChunk, type StoreFault } from './store.ts';
import { loadWholeRun } from './archive/archived-entries.ts';

const LONGEST_PAUSE: Seconds = 60;

export type AuditDeps = {
  readonly db: D1Database;
  /** The bucket with the entries that D1 has forgotten. */
  readonly archive?: R2Bucket | undefined;
  /** The account's object. */
  readonly account: (id: AccountId) => Pick<AgentAccountRpc, 'exported' | 'document'>;
  /** The statements that bring the entry of a webhook or secret into its table, which a higher layer owns. */
  readonly projectDocument: (db: D1Database, entry: Entry) => readonly D1PreparedStatement[];
  /** Appends stored runs to the transparency log; absent if there is no log. A throw delays the acknowledgement. */
  readonly appendToLog?: (runs: readonly StoredRun[]) => Promise<readonly Appended[]>;
  /** The last entries of accounts in the transparency log. */
  readonly headsInLog?: AuditLogRpc['headsOf'];
  /** Raises an alert of the gateway; false if it was not recorded. */
  readonly raise?: (alert: AlertBody) => Promise<boolean>;
  /** Handles each `alert.raised` entry, and again when its chunk is redelivered. A throw delays the acknowledgement. */
  readonly alert?: (account: AccountId, entry: Entry) => Promise<void>;
  /** Records a dead letter and raises its alert. Default: only records it. */
  readonly deadLetter?: (letter: DeadLetter) => Promise<void>;
};

type AuditBatch = { readonly queue: string; readonly messages: readonly QueueMessage[] };
type Delivered = { readonly message: QueueMessage; readonly chunk: AuditMessage };

/** A message whose chunk is stored, and its entries for the transparency log. */
type Stored = { readonly message: QueueMessage; readonly run: StoredRun };

/**
 * Consumes a batch of the audit queue: stores the chunks of each account in the order of its chain, appends them to the transparency log,
 * acknowledges the stored seq to the account, which may delete entries up to it, and only then acknowledges the messages. A message that fails
 * on the way is redelivered, and storing it again writes nothing (law 5).
 */
export const consumeAudit = async (
  batch: AuditBatch,
  deps: AuditDeps,
  now: Seconds,
): Promise<void> => {
  const delivered: Delivered[] = [];
  for (const message of batch.messages) {
    const chunk = readMessage(message.body);
    if (chunk === undefined)
      await recordDeadLetter(batch.queue, message, 'malformed message', deps, now);
    else delivered.push({ message, chunk });
  }
  const accounts = Map.groupBy(delivered, ({ chunk }) => chunk.account);
  const stored = await Promise.all(
    [...accounts].map(([account, own]) => storeInOrder(batch.queue, account, own, deps, now)),
  );
  const logged = await appendAll(batch.queue, stored.flat(), deps, now);
  await Promise.all(
    [...Map.groupBy(logged, ({ run }) => run.account)].map(([account, own]) =>
      acknowledgeAll(account, own, deps),
    ),
  );
};

const storeInOrder = async (
  queue: string,
  account: AccountId,
  delivered: readonly Delivered[],
  deps: AuditDeps,
  now: Seconds,
): Promise<readonly Stored[]> => {
  const stored: Stored[] = [];
  // Queues do not keep order: a chunk may arrive before the one it continues.
  const inOrder = delivered.toSorted((a, b) => a.chunk.first - b.chunk.first);
  for (const { message, chunk } of inOrder) {
    const result = await storeChunk(deps.db, chunk, now);
    if (result.ok) {
      const { entries, hashes } = result.value;
      const [first] = entries;
      if (first !== undefined && (await applyEntries(deps, account, entries))) {
        stored.push({ message, run: { account, first: first.seq, prev: first.prev, hashes } });
      } else retry(message);
    } else if (result.error.kind === 'refused') {
      await recordDeadLetter(queue, message, JSON.stringify(result.error.why), deps, now);
    } else {
      log(account, chunk, result.error);
      if (result.error.kind === 'unavailable') {
        await deps.raise?.({ rule: 'database_unavailable', detail: {} });
      }
      if (result.error.kind === 'gap') {
        await reportLoss(deps, message, chunk, result.error.expected);
      }
      retry(message);
    }
  }
  return stored;
};

/**
 * Reports entries that the log has and D1 lacks: D1 was restored to an earlier time, and the account has deleted what D1 acknowledged. The
 * log keeps its leaves, so no other entries can take that place. The first delivery does not ask the log, because queues do not keep order.
 */
const reportLoss = async (
  deps: AuditDeps,
  { attempts }: QueueMessage,
  { account, first }: AuditMessage,
  expected: number,
): Promise<void> => {
  if (attempts < 2 || deps.headsInLog === undefined) return;
  try {
    const [head] = await deps.headsInLog([account]);
    if (head === undefined || head.seq < first - 1) return;
    await deps.raise?.({
      rule: 'database_behind',
      detail: { account, from: expected, to: first - 1 },
    });
  } catch (cause) {
    console.error({ event: 'audit_log_unavailable', cause: String(cause) });
  }
};

const UNANSWERED = { verdict: 'unanswered' } as const;

/** Appends stored entries to the transparency log, in one call. @returns how far the log has each account. */
const appendAll = async (
  queue: string,
  stored: readonly Stored[],
  deps: AuditDeps,
  now: Seconds,
): Promise<readonly Stored[]> => {
  if (deps.appendToLog === undefined || stored.length === 0) return stored;
  let verdicts: readonly Appended[];
  try {
    verdicts = await deps.appendToLog(stored.map(({ run }) => run));
  } catch (cause) {
    console.error({ event: 'audit_log_unavailable', cause: String(cause) });
    verdicts = [];
  }
  const logged: Stored[] = [];
  for (const [at, one] of stored.entries()) {
    const { account, first } = one.run;
    const appended = verdicts[at] ?? UNANSWERED;
    switch (appended.verdict) {
      case 'appended':
        logged.push(one);
        break;
      case 'forked':
        await deps.raise?.({ rule: 'log_forked', detail: { account, seq: first } });
        await recordDeadLetter(queue, one.message, 'the log has another history', deps, now);
        break;
      case 'gap':
        await fillGap(deps, account, appended.expected, first - 1);
        retry(one.message);
        break;
      case 'unanswered':
        retry(one.message);
    }
  }
  return logged;
};

/**
 * Appends stored entries that the log lacks, as many as one read returns: entries from before the gateway had a log, or of a message that
 * is still in flight. The message that follows them is delivered again.
 */
const fillGap = async (
  { db, archive, appendToLog }: AuditDeps,
  account: AccountId,
  from: number,
  to: number,
): Promise<void> => {
  try {
    const { entries } = await loadWholeRun(db, account, from, to, archive);
    const [first] = entries;
    if (first?.seq !== from) return;
    const hashes = entries.map(entryHash);
    await appendToLog?.([{ account, first: from, prev: first.prev, hashes }]);
  } catch (cause) {
    console.error({ event: 'audit_log_gap', account, from, cause: String(cause) });
  }
};

/** Acknowledges the stored entries to the account, and only then the messages to the queue. */
const acknowledgeAll = async (
  account: AccountId,
  logged: readonly Stored[],
  deps: AuditDeps,
): Promise<void> => {
  const last = Math.max(...logged.map(({ run }) => run.first + run.hashes.length - 1));
  const acknowledged = await acknowledge(deps, account, last);
  for (const { message } of logged) {
    if (acknowledged) message.ack();
    else retry(message);
  }
};

/**
 * Applies stored entries: sends alerts and updates the tables of webhooks, secrets and offered grants. Not in the transaction of the chunk, so that one
 * entry that fails never blocks the chain. Each step is idempotent. Returns false if the message must be redelivered.
 */
const applyEntries = async (
  deps: AuditDeps,
  account: AccountId,
  entries: readonly Entry[],
): Promise<boolean> => {
  const { db, alert, projectDocument } = deps;
  try {
    const whole = await Promise.all(entries.map((entry) => withDocument(deps, entry)));
    const repairs = [
      ...entries.flatMap((entry) => projectOfferedGrant(db, entry)),
      ...whole.flatMap((entry) => (entry === undefined ? [] : projectDocument(db, entry))),
    ];
    if (repairs.length > 0) await db.batch(repairs);
    for (const entry of entries) if (entry.type === 'alert.raised') await alert?.(account, entry);
    return true;
  } catch (cause) {
    console.error({ event: 'audit_entries_unapplied', account, cause: String(cause) });
    return false;
  }
};

/**
 * A `webhook.put` entry with its document. The log holds each text once; later entries name it by hash, and the document is read from the
 * account. Undefined if the account has a newer document: a later entry will write that one.
 *
 * @throws Error if the account does not answer
 */
const withDocument = async ({ account }: AuditDeps, entry: Entry): Promise<Entry | undefined> => {
  const { evidence, outcome } = factsIf(entry, 'webhook.put') ?? {};
  const { name, hash } = outcome ?? {};
  if (name === undefined || evidence?.document !== undefined) return entry;
  const kept = await account(entry.account).document('webhook', name);
  if (kept.verdict === 'unavailable') throw new Error('The account did not answer.');
  return kept.verdict === 'found' && kept.hash === hash
    ? { ...entry, evidence: { ...entry.evidence, document: kept.document as Json } }
    : undefined;
};

/** Acknowledges the last stored seq to the account, once per batch: each call costs the object billed rows. */
const acknowledge = async (deps: AuditDeps, account: AccountId, last: number): Promise<boolean> => {
  try {
    return (await deps.account(account).exported(last)).verdict === 'ok';
  } catch {
    return false;
  }
};

/** Records a message that can never be stored as a dead letter at once, without a hundred retries. */
const recordDeadLetter = async (
  queue: string,
  message: QueueMessage,
  reason: string,
  deps: AuditDeps,
  now: Seconds,
): Promise<void> => {
  console.error({ event: 'audit_chunk_refused', message: message.id, reason });
  try {
    const deadLetter = auditDeadLetter(message, queue, reason, now);
    await (deps.deadLetter?.(deadLetter) ?? recordDeadLetters(deps.db, [deadLetter]));
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

/** The maximum length of a body, in characters: the largest chunk in base64, and some margin. */
const MAX_BODY = 200_000;

/**
 * Makes the dead letter of an audit message. An account whose chunk is rejected sends it again, each time later, until an operator repairs
 * it. The id names the position at which the chain is stuck, so all these messages share one dead letter.
 */
export const auditDeadLetter: MakeDeadLetter = (message, queue, reason, now) => {
  const read = readMessage(message.body);
  return {
    id: read === undefined ? message.id : `${queue}/${read.account}/${read.first}`,
    queue,
    account: read?.account ?? '',
    call: '',
    body: asText(message.body).slice(0, MAX_BODY),
    at: now,
    reason,
  };
};

/** JSON of a message, the chunk's bytes in base64, so that the dead letter can be redriven. */
const asText = (body: unknown): string => {
  try {
    const text = JSON.stringify(body, (_, value: unknown) => {
      if (value instanceof Uint8Array) return encodeBase64(value);
      return typeof value === 'bigint' ? value.toString() : value;
    }) as string | undefined;
    return text ?? 'nothing';
  } catch {
    return 'not JSON';
  }
};
