import { ELSEWHERE_MS, isElsewhere } from './elsewhere.ts';
import { retryable } from 'cloudflare:durable-objects';
import { DurableObject } from 'cloudflare:workers';
import type {
  Appended,
  AuditLogRpc,
  LeafPage,
  LeafRange,
  LogHead,
  LogLeaf,
  LogStatus,
  ProvenHead,
  ProvenLeaf,
  StoredRun,
} from '../src/protocol/audit-log-contract.ts';
import type { AccountId } from '../src/protocol/account-id.ts';
import type { OpenLog } from './audit-log/open.ts';

/** How long the object waits after an alarm that failed, e.g. because its code could not be loaded. */
const UNOPENED_MS = 60_000;

/** The transparency log of a year, named by its origin. It appends a leaf for each chunk that D1 has stored, and signs checkpoints. */
export class AuditLog extends DurableObject<Env> implements AuditLogRpc {
  static {
    // Leaves that the log already has are not appended again.
    const { append, status, tile, leavesOf, headAt, knowsAnchor, leaves } = this.prototype;
    retryable(append, status, tile, leavesOf, headAt, knowsAnchor, leaves);
  }

  #log: OpenLog | undefined;

  async append(runs: readonly StoredRun[]): Promise<readonly Appended[]> {
    return (await this.#open()).append(runs);
  }

  async headsOf(accounts: readonly AccountId[]): Promise<readonly (LogHead | undefined)[]> {
    return (await this.#open()).headsOf(accounts);
  }

  async status(): Promise<LogStatus> {
    return (await this.#open()).log.status();
  }

  async tile(level: number, index: number, width: number): Promise<Uint8Array | undefined> {
    return (await this.#open()).log.tile(level, index, width);
  }

  async leavesOf(
    account: AccountId,
    fromSeq: number,
    range: LeafRange,
  ): Promise<LeafPage<ProvenLeaf> | undefined> {
    const opened = await this.#open();
    const [head] = await opened.headsOf([account]);
    return opened.log.leavesOf(account, fromSeq, range, head?.anchor);
  }

  async headAt(anchor: Uint8Array, size: number): Promise<ProvenHead | undefined> {
    const { log, knowsAnchor } = await this.#open();
    return (await knowsAnchor(anchor)) ? log.headAt(anchor, size) : undefined;
  }

  async knowsAnchor(anchor: Uint8Array): Promise<boolean> {
    return (await this.#open()).knowsAnchor(anchor);
  }

  async leaves(from: number, range: LeafRange): Promise<LeafPage<LogLeaf> | undefined> {
    return (await this.#open()).log.leaves(from, range);
  }

  async proveGrowth(old: number, size: number): Promise<readonly Uint8Array[] | undefined> {
    return (await this.#open()).log.proveGrowth(old, size);
  }

  /** Signs a checkpoint. Never throws: the platform stops retrying an alarm that keeps throwing. */
  override async alarm(): Promise<void> {
    try {
      if (await isElsewhere(this.ctx.id, this.env))
        return await this.ctx.storage.setAlarm(Date.now() + ELSEWHERE_MS);
      await (await this.#open()).onAlarm();
    } catch (cause) {
      console.error({ event: 'audit_log_failed', log: this.ctx.id.name, cause: String(cause) });
      await this.ctx.storage.setAlarm(Date.now() + UNOPENED_MS);
    }
  }

  /** Opens the log once. Each call imports for itself: the platform may cancel the call that created a shared promise. */
  async #open(): Promise<OpenLog> {
    if (this.#log !== undefined) return this.#log;
    const { openAuditLog } = await import('./audit-log/open.ts');
    const opened = await openAuditLog(this.ctx, this.env);
    this.#log ??= opened;
    return this.#log;
  }
}
