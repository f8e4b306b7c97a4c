import { retryable } from 'cloudflare:durable-objects';
import { DurableObject } from 'cloudflare:workers';
import { nowSeconds } from '../../src/core/clock.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type {
  FinishVerdict,
  LookUpVerdict,
  ReserveVerdict,
} from '../../src/protocol/account/call-verdict.ts';
import type { Call, Evidence, LookUp, Outcome } from '../../src/protocol/account/call.ts';
import type { CountedCommand, CommandCost } from '../../src/protocol/account/command-budget.ts';
import type { CommandVerdict } from '../../src/protocol/account/command-verdict.ts';
import type {
  AccountCommand,
  ChangedDocuments,
  DocumentType,
  KeptDocument,
} from '../../src/protocol/account/command.ts';
import type { Children } from '../../src/protocol/account/grant.ts';
import type {
  LeaseRequest,
  LeaseVerdict,
  Recall,
  Returned,
  Shares,
} from '../../src/protocol/account/lease.ts';
import {
  type Acknowledged,
  type Decided,
  mayWait,
  type Question,
  type Rechecked,
  type Resent,
} from '../../src/protocol/account/rpc.ts';
import type { RightsQuestion, RightsVerdict } from '../../src/protocol/account/rights.ts';
import type {
  Relation,
  StandingQuestion,
  StandingVerdict,
} from '../../src/protocol/account/standing.ts';
import type {
  EndedSessions,
  SessionEnd,
  SessionRequest,
  SessionVerdict,
} from '../../src/protocol/account/session.ts';
import type { EntryPage } from '../../src/protocol/entry.ts';
import type { SettlementResult } from '../../src/protocol/payment.ts';
import { decideAlarm } from './alarm.ts';
import { loadCall } from './call/stored-call.ts';
import { concludeAll } from './call/conclude.ts';
import { finish } from './call/finish.ts';
import { isSentAgain } from './call/open-calls.ts';
import { isTreeRequest } from './call/progress.ts';
import { decideCall, reserveCall, type ReserveServices } from './call/reserve-call.ts';
import type { Commands } from './commands/open-commands.ts';
import { unstored } from './decision.ts';
import { type Decide, type Ledger, openLedger, openRules } from './ledger.ts';
import { loadLazy, type Lazy } from './lazy.ts';
import { type Feed, openFeed } from './log/feed.ts';
import { openOutbox, type Outbox } from './log/outbox.ts';
import type { SessionGate } from './sessions.ts';
import type { Snapshot } from './snapshot.ts';
import { relationOf } from './tree/ancestors.ts';
import { checkAncestors, type LeaseRequests, openLeaseRequests } from './tree/lease-requests.ts';
import type { Recalls } from './tree/recalls.ts';
import { idleBranches, recalled, reported } from './tree/return-shares.ts';
import { ELSEWHERE_MS, isElsewhere } from '../elsewhere.ts';
import { objectOf } from '../../src/protocol/jurisdiction.ts';

/** How often `standing` may check the ancestors, milliseconds: any descendant could keep them busy. */
const CHECK_PAUSE_MS = 1_000;

const OK = { verdict: 'ok' } as const;
const UNAVAILABLE = { verdict: 'unavailable' } as const;
const ALONE = { verdict: 'alone' } as const;
const BUSY = { verdict: 'busy' } as const;

/**
 * One account: its money, its calls, its chain of entries. Every method is one serialised decision (law 2). State is `#private`, because
 * TypeScript's `private` members are callable over RPC.
 */
export class AgentAccount extends DurableObject<Env> {
  static {
    // The runtime sends these again when it loses an answer. `reserve` and `finish` are idempotent by (call, attempt), leases by their
    // totals, commands by their intents or totals; the rest only reads.
    retryable(
      this.prototype.reserve,
      this.prototype.finish,
      this.prototype.decide,
      this.prototype.apply,
      this.prototype.countCommand,
      this.prototype.lease,
      this.prototype.recall,
      this.prototype.report,
      this.prototype.giveBack,
      this.prototype.lookUp,
      this.prototype.standing,
      this.prototype.rights,
      this.prototype.children,
      this.prototype.entries,
      this.prototype.relation,
      this.prototype.document,
      this.prototype.documentsSince,
    );
  }

  readonly #ledger: Ledger;
  readonly #feed: Feed;
  readonly #outbox: Outbox;
  readonly #requests: LeaseRequests;
  readonly #services: ReserveServices;
  #recalls: Recalls | undefined;
  readonly #woke = nowSeconds();
  #commands: Commands | undefined;
  #sessions: SessionGate | undefined;
  #checksAgainAt = 0;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    const account = (context.id.name ?? '') as AccountId;
    const waitUntil = (sending: Promise<void>): void => context.waitUntil(sending);
    this.#outbox = openOutbox(env, account, () => this.#ledger, waitUntil);
    this.#feed = openFeed(() => this.#ledger);
    this.#ledger = openLedger(account, context.storage, openRules(env), (memory, added) => {
      this.#feed.committed(added);
      const sending = this.#outbox.committed(memory, this.#ledger.disk());
      if (sending !== undefined) waitUntil(sending);
    });
    this.#requests = openLeaseRequests(account, this.#ledger, this.#peers);
    this.#services = {
      ...{ ledger: this.#ledger, peers: this.#peers, requests: this.#requests },
      loadRecalls: async () => this.#loadRecalls(),
    };
  }

  /** Reserves a call id and its price. Same (call, attempt): the same verdict. */
  async reserve(call: Call, attempt: Hex, evidence: Evidence): Promise<ReserveVerdict> {
    if (this.ctx.id.name !== call.account) return UNAVAILABLE;
    if (mayWait(evidence) && this.#ledger.isFull()) return BUSY;
    return reserveCall(this.#services, call, attempt, evidence);
  }

  /** Ends a call whose tool has run. */
  async finish(call: Hex, attempt: Hex, outcome: Outcome): Promise<FinishVerdict> {
    return this.#ledger.submit<FinishVerdict>(
      (state, context) => finish(state, loadCall(context.read, call), attempt, outcome, context),
      UNAVAILABLE,
    );
  }

  /** Several of `reserve` and `finish`, stored in one group; the answers are in their order. */
  async decide(questions: readonly Question[]): Promise<readonly Decided[]> {
    return Promise.all(
      questions.map(async (question) => {
        if (question[0] === 'finish') return this.finish(question[1], question[2], question[3]);
        const [, call, attempt, evidence] = question;
        if (this.ctx.id.name !== call.account) return UNAVAILABLE;
        if (mayWait(evidence) && this.#ledger.isFull()) return BUSY;
        const verdict = await decideCall(this.#ledger, call, attempt, evidence);
        return isTreeRequest(verdict) ? ALONE : verdict;
      }),
    );
  }

  /** Returns what became of a call, to its payer. Writes nothing. */
  async lookUp(question: LookUp): Promise<LookUpVerdict> {
    return this.#manage<LookUpVerdict>(
      ({ lookUp }) =>
        (state, { read }) =>
          lookUp(state, loadCall(read, question.call), { read }),
      UNAVAILABLE,
    );
  }

  /** Applies a command. Idempotent by its intent, or by its totals. */
  async apply(command: AccountCommand): Promise<CommandVerdict> {
    const commands = await this.#loadCommands();
    return commands === undefined ? UNAVAILABLE : commands.apply(command);
  }

  /** Counts a command that another account of the tree carries out, once by its id. */
  async countCommand(cost: CommandCost): Promise<CountedCommand> {
    const commands = await this.#loadCommands();
    return commands === undefined ? UNAVAILABLE : commands.countCommand(cost);
  }

  /** Lends a descendant a share of this account's limits, for as long as its grant lives (law 6). */
  async lease(request: LeaseRequest): Promise<LeaseVerdict> {
    const management = await loadLazy();
    return management === undefined
      ? UNAVAILABLE
      : management.answerLease(this.#ledger, this.#recallsOf(management), request);
  }

  /** Returns unused shares to the parent that recalls them, and records the parent's status. */
  async recall(recall: Recall): Promise<Returned> {
    return this.#ledger.submit<Returned>(
      (state, context) => recalled(state, recall, context),
      UNAVAILABLE,
    );
  }

  /** Reports the shares that a parent has lent. Writes nothing. */
  async report(recall: Recall): Promise<Returned> {
    return this.#ledger.submit<Returned>(
      (state) => unstored(state, reported(state, recall)),
      UNAVAILABLE,
    );
  }

  /** Receives the unused shares of a descendant. */
  async giveBack(child: AccountId, branches: Readonly<Record<Hex, Shares>>): Promise<Acknowledged> {
    const management = await loadLazy();
    return management === undefined
      ? UNAVAILABLE
      : management.takeBackAll(this.#ledger, child, branches);
  }

  /** A page of the accounts that this one has granted to. @throws if it could not be read: an empty page would be a false answer. */
  async children(after: Hex | undefined, limit?: number): Promise<Children> {
    const management = await loadLazy();
    if (management === undefined) throw new Error('The children could not be read.');
    return this.#ledger.submit<Children>(
      (state, context) => management.children(state, after, limit, context),
      { children: [] },
    );
  }

  /** Returns the account's status, policies, grants and money to accounts that may see them. Writes nothing. */
  async standing(question: StandingQuestion): Promise<StandingVerdict> {
    const decide = () =>
      this.#manage<StandingVerdict>(
        ({ standing }) =>
          (state, context) =>
            standing(state, question, context),
        UNAVAILABLE,
      );
    const known = await decide();
    // Issuers push revocations only to holders of live leases. This account may hold none, and would otherwise show a revoked grant as
    // active.
    const hasAncestors = known.verdict === 'found' && known.standing.parent !== undefined;
    if (!hasAncestors || Date.now() < this.#checksAgainAt) return known;
    this.#checksAgainAt = Date.now() + CHECK_PAUSE_MS;
    await checkAncestors(this.#ledger, this.#requests);
    return decide();
  }

  /** Returns what a call of the account could do now: tools, limits, and why it would be denied. Writes nothing. */
  async rights(question: RightsQuestion): Promise<RightsVerdict> {
    const management = await loadLazy();
    return management?.answerRights(this.#ledger, this.#requests, question) ?? UNAVAILABLE;
  }

  /** Returns the entries after a place in the chain. If there are none yet, waits until the next ones are durable. Writes nothing. */
  async entries(after: number, waitMs: number, limit: number, by?: AccountId): Promise<EntryPage> {
    return this.#feed.entries(after, waitMs, limit, by);
  }

  /** Returns how another account is related to this one. The gateway decides by the relation what that account may read. Writes nothing. */
  async relation({ by }: { readonly by: AccountId }): Promise<Relation> {
    return this.#ledger.submit<Relation>(
      (state, { now }) => unstored(state, relationOf(state, by, now)),
      UNAVAILABLE,
    );
  }

  /** Returns a document that the account keeps for the gateway. Writes nothing. */
  async document(type: DocumentType, name: string): Promise<KeptDocument> {
    return this.#manage<KeptDocument>(
      ({ documentIn }) =>
        (state, context) =>
          documentIn(state, type, name, context),
      UNAVAILABLE,
    );
  }

  /** Returns documents of one type that changed since an entry of the chain. Writes nothing. */
  async documentsSince(type: DocumentType, since: number, texts?: Hex): Promise<ChangedDocuments> {
    return this.#manage<ChangedDocuments>(
      ({ documentsSince }) =>
        (state, context, memory) =>
          documentsSince(state, memory, { type, since, texts }, context),
      UNAVAILABLE,
    );
  }

  /**
   * Takes results of settlements. Idempotent: the Queue delivers at least once, in no order. A busy account may answer before it has stored
   * them: after a crash it sends the payments again, and the chain answers again.
   */
  async settled(results: readonly SettlementResult[]): Promise<Acknowledged> {
    return this.#ledger.defer<Acknowledged>(
      (state, context) => concludeAll(state, results, context),
      (memory) => results.every(({ call }) => isSentAgain(memory, call)),
      OK,
      UNAVAILABLE,
    );
  }

  /** Looks again at payments on which ledger and chain differ. Writes nothing. */
  async recheck(calls: readonly Hex[]): Promise<Rechecked> {
    const management = await loadLazy();
    return management === undefined
      ? UNAVAILABLE
      : management.recheck(this.#ledger, this.env, calls);
  }

  /** Records that D1 has every entry up to `seq`. */
  async exported(seq: number): Promise<Acknowledged> {
    return this.#outbox.exported(seq);
  }

  /** Sends entries that D1 has lost again, as far as the account still stores them. Writes nothing. */
  async resend(from: number): Promise<Resent> {
    const management = await loadLazy();
    return management === undefined
      ? UNAVAILABLE
      : management.resendEntries(this.#ledger, this.env, from);
  }

  /** Decides whether a request of a session may read: the session must not have ended, and the signature must be new. Writes nothing. */
  async admitSession(request: SessionRequest): Promise<SessionVerdict> {
    const gate = await this.#loadSessions();
    return gate === undefined
      ? UNAVAILABLE
      : this.#ledger.submit<SessionVerdict>(
          (state, { read, now }) => unstored(state, gate.admit(read, request, now)),
          UNAVAILABLE,
        );
  }

  /** Ends a session of this wallet, or all of them. */
  async endSession(end: SessionEnd): Promise<EndedSessions> {
    const gate = await this.#loadSessions();
    return gate === undefined
      ? UNAVAILABLE
      : this.#manage<EndedSessions>(
          ({ endSession }) =>
            (state, context) =>
              endSession(state, end, gate, context),
          UNAVAILABLE,
        );
  }

  /** The account's figures, for tests and operators. Amounts are decimal strings. */
  async snapshot(): Promise<Snapshot> {
    return this.#manage<Snapshot>(
      ({ snapshotOf }) =>
        (state, context, memory) =>
          unstored(state, snapshotOf(state, memory, this.#ledger.disk().rowsWritten(), context)),
      { known: false },
    );
  }

  /** Ends overdue calls, prunes, and sends unacknowledged messages again. Runs at least once, so it is idempotent. */
  override async alarm(): Promise<void> {
    if (await isElsewhere(this.ctx.id, this.env))
      return this.ctx.storage.setAlarm(Date.now() + ELSEWHERE_MS);
    await this.#ledger.submit<Acknowledged>(
      (state, context, memory) => decideAlarm(state, memory, context),
      UNAVAILABLE,
    );
    await this.#ledger.rearm(async (memory) => {
      await this.#outbox.send(memory, this.#ledger.disk());
      // After the outbox, which may have to ask D1 what is exported.
      memory.pruneAt = memory.prune(nowSeconds(), memory.state.exported);
      if (idleBranches(memory.state, nowSeconds()).length > 0) {
        await (await this.#loadRecalls())?.giveUpIdle();
      }
    });
  }

  /** A fresh stub each time: a stub that has thrown stays broken. */
  readonly #peers = (id: AccountId) => objectOf(this.env, this.env.AGENT_ACCOUNT, id);

  async #loadCommands(): Promise<Commands | undefined> {
    const management = await loadLazy();
    if (management === undefined) return undefined;
    this.#commands ??= management.openCommands(
      this.#ledger,
      this.#recallsOf(management),
      this.#peers,
      () => checkAncestors(this.#ledger, this.#requests),
    );
    return this.#commands;
  }

  async #loadRecalls(): Promise<Recalls | undefined> {
    const management = await loadLazy();
    return management === undefined ? undefined : this.#recallsOf(management);
  }

  #recallsOf({ openRecalls }: Lazy): Recalls {
    return (this.#recalls ??= openRecalls(
      this.ctx.id.name as AccountId,
      this.#ledger,
      this.#peers,
    ));
  }

  async #loadSessions(): Promise<SessionGate | undefined> {
    const management = await loadLazy();
    if (management === undefined) return undefined;
    this.#sessions ??= management.openSessionGate(this.#woke);
    return this.#sessions;
  }

  /** Runs a decision in code that loads on first use; answers `refused` if the code cannot be loaded or the commit failed. */
  async #manage<Verdict>(
    decide: (management: Lazy) => Decide<Verdict>,
    refused: Verdict,
  ): Promise<Verdict> {
    const management = await loadLazy();
    return management === undefined
      ? refused
      : this.#ledger.submit<Verdict>(decide(management), refused);
  }
}
