import { DurableObject } from 'cloudflare:workers';
import { retryable } from 'cloudflare:durable-objects';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { SettlementMessage, SettlementResult } from '../../src/protocol/payment.ts';
import type { Acknowledged, Rechecked } from '../../src/protocol/account/rpc.ts';
import type { StandingQuestion, StandingVerdict } from '../../src/protocol/account/standing.ts';
import type { AccountCommand } from '../../src/protocol/account/command.ts';
import type { LookUp, LookUpVerdict } from '../../src/protocol/account/look-up.ts';
import type { FinishVerdict, Outcome } from '../../src/protocol/account/finish.ts';
import type { ReserveVerdict } from '../../src/protocol/account/reserve.ts';
import type { Call, Evidence } from '../../src/protocol/account/call.ts';
import { exists, hasParent, relationTo } from './tree/ancestry.ts';
import { claim } from './call/claims.ts';
import { unchanged } from './decision.ts';
import { type Desk, openDesk } from './tree/lease-requests.ts';
import { type Deliveries, openDeliveries } from './log/deliveries.ts';
import { type Feed, openFeed } from './log/feed.ts';
import type { Hear } from './commands/enrolment.ts';
import type { Charge } from './commands/command-budget.ts';
import type { Known } from './commands/apply.ts';
import { finish } from './call/finish.ts';
import { asksOf, recalled, reported } from './tree/lessee.ts';
import { answerLease } from './tree/answer-lease.ts';
import { takeBack } from './tree/lessor.ts';
import { type Ledger, openLedger } from './ledger.ts';
import { looksAgain } from './call/look-again.ts';
import { openRules } from './rules.ts';
import { NO_PROGRESS } from './call/progress.ts';
import { openRecalls, type Recalls } from './tree/recalls.ts';
import type { Snapshot } from './snapshot.ts';
import { acknowledgeTransfer } from './commands/transfer.ts';
import type { EntryPage } from '../../src/protocol/account/entries.ts';
import type { Relation } from '../../src/protocol/account/relation.ts';
import type { Applied } from '../../src/protocol/account/applied.ts';
import type { ChargedCommand, CommandCharge } from '../../src/protocol/account/command-charge.ts';
import type {
  ChangedDocuments,
  DocumentType,
  KeptDocument,
} from '../../src/protocol/account/document.ts';
import type { Children } from '../../src/protocol/account/grant.ts';
import type {
  LeaseRequest,
  LeaseVerdict,
  Recall,
  Returned,
  Shares,
} from '../../src/protocol/account/lease.ts';
import { acknowledge, concludeAll, tick } from './log/upkeep.ts';

/** Commands that are remembered as counted: more than the rates let pass while copies of one are under way. */
const MOST_CHARGES = 1_000;

/** An account that is asked how it stands asks those above no more often, milliseconds: anybody below could keep them busy. */
const HEAR_PAUSE_MS = 1_000;

/**
 * What is asked of an account beside calls, loaded by who asks and before anything is decided; undefined when it cannot be. Each imports for
 * itself: no object waits for what another one began.
 */
const besideCalls = async () => {
  try {
    return await import('./beside.ts');
  } catch (cause) {
    console.error({ event: 'account_beside_unloaded', cause: String(cause) });
    return undefined;
  }
};

/**
 * One account: its money, its calls, its chain of entries (design §5). Every method is a thin door to one serialised decision.
 * Private state is `#private`, because TypeScript's `private` is callable over RPC.
 */
export class AgentAccount extends DurableObject<Env> {
  static {
    // Idempotent by (call, attempt): a lost answer becomes a correct second one instead of a false "already used".
    // By their totals, `apply` and leases are idempotent too, an order that is carried out changes nothing again, and look-ups read only.
    retryable(
      this.prototype.reserve,
      this.prototype.finish,
      this.prototype.apply,
      this.prototype.charge,
      this.prototype.lease,
      this.prototype.recall,
      this.prototype.report,
      this.prototype.giveBack,
      this.prototype.lookUp,
      this.prototype.standing,
      this.prototype.children,
      this.prototype.entries,
      this.prototype.relation,
      this.prototype.document,
      this.prototype.documentsSince,
    );
  }

  readonly #ledger: Ledger;
  readonly #feed: Feed;
  readonly #deliveries: Deliveries;
  readonly #desk: Desk;
  readonly #recalls: Recalls;
  readonly #charges = new Set<string>();
  #hearsAgainAt = 0;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    const account = (context.id.name ?? '') as AccountId;
    this.#deliveries = openDeliveries(env, account, (transfer) =>
      this.#ledger.submit<Acknowledged>(
        (state, _, now) =>
          acknowledgeTransfer(state, transfer.peer, transfer.asset, transfer.sent, now),
        { verdict: 'unavailable' },
      ),
    );
    this.#feed = openFeed(() => this.#ledger);
    this.#ledger = openLedger(account, context.storage, openRules(env), (memory, added) => {
      this.#feed.committed(added);
      context.waitUntil(this.#deliveries.send(memory, this.#ledger.storage()));
    });
    // A fresh stub each time: one that has thrown stays broken (platform facts 1.4).
    const peers = (id: AccountId) => env.AGENT_ACCOUNT.getByName(id);
    this.#desk = openDesk(account, this.#ledger, peers);
    this.#recalls = openRecalls(account, this.#ledger, peers);
  }

  /** Claims a call and reserves its price. Same (call, attempt): the same verdict (design §4.6). */
  async reserve(call: Call, attempt: Hex, evidence: Evidence): Promise<ReserveVerdict> {
    if (this.ctx.id.name !== call.account) return { verdict: 'unavailable' };
    return claim(this.#ledger, this.#desk, this.#recalls, call, attempt, evidence);
  }

  /** Ends a call that was let run. */
  async finish(call: Hex, attempt: Hex, outcome: Outcome): Promise<FinishVerdict> {
    return this.#ledger.submit<FinishVerdict>(
      (state, load, context) => finish(state, load(call), attempt, outcome, context),
      { verdict: 'unavailable' },
    );
  }

  /** What became of a call, for its payer. Writes nothing. */
  async lookUp(question: LookUp): Promise<LookUpVerdict> {
    const beside = await besideCalls();
    if (beside === undefined) return { verdict: 'unavailable' };
    return this.#ledger.submit<LookUpVerdict>(
      (state, load, { now }) => beside.lookUp(state, load(question.call), question, now),
      { verdict: 'unavailable' },
    );
  }

  /**
   * Takes an order that concerns its place in a tree, and tells those below that may decide for it. Whoever has acknowledged admits
   * nothing against it any more; everybody else stops when its lease ends.
   */
  async apply(order: AccountCommand): Promise<Applied> {
    const beside = await besideCalls();
    if (beside === undefined) return { verdict: 'unavailable' };
    const decide = (known: Known) =>
      this.#ledger.submit<Applied | Hear | Charge>(
        (state, load, context, memory) =>
          beside.apply(state, order, context, known, { load, live: memory.live }),
        { verdict: 'unavailable' },
      );
    let known: Known = {};
    let verdict = await decide(known);
    while (verdict.verdict === 'hear' || verdict.verdict === 'charge') {
      if (verdict.verdict === 'hear') {
        if (known.hasHeard === true || !(await this.#hearAbove()))
          return { verdict: 'unavailable' };
        known = { ...known, hasHeard: true };
      } else {
        if (known.isCharged === true) return { verdict: 'unavailable' };
        const charged = await this.#chargeTo(verdict);
        if (charged.verdict !== 'charged') return charged;
        known = { ...known, isCharged: true };
      }
      // Everything may have changed meanwhile: it is decided again from the beginning.
      verdict = await decide(known);
    }
    if (verdict.verdict !== 'applied') return verdict;
    switch (order.kind) {
      case 'issue':
      case 'accept':
      case 'take':
      case 'default':
      case 'label':
      case 'document':
      case 'redrive':
      case 'writeOff':
      case 'resolve':
      case 'deadLetter':
      case 'alert':
      case 'credit':
      case 'refund':
      case 'adjust':
        return verdict;
      case 'policy':
        if (order.dryRun === true) return verdict;
        return { ...verdict, ...(await this.#recalls.push(undefined)) };
      case 'status':
        return { ...verdict, ...(await this.#recalls.push(undefined)) };
      case 'revoke': {
        const { id, epoch } = order.revocation;
        const known = this.#ledger.storage().loadIssuedById(id);
        // Who gives up what it holds itself takes it from all whom it let stand on it.
        const isOne = epoch === 0n && known !== undefined;
        return {
          ...verdict,
          ...(await this.#recalls.push(isOne ? [known.grant.hash] : undefined)),
        };
      }
    }
  }

  /** Gives an account below a share of its limits, and its word for a grant (law 6). */
  async lease(request: LeaseRequest): Promise<LeaseVerdict> {
    return answerLease(this.#ledger, this.#recalls, request);
  }

  /** An account above takes back what is not used here, and says how things stand with it. */
  async recall(recall: Recall): Promise<Returned> {
    return this.#ledger.submit<Returned>((state, _, context) => recalled(state, recall, context), {
      verdict: 'unavailable',
    });
  }

  /** An account above asks how its shares stand here. Writes nothing. */
  async report(recall: Recall): Promise<Returned> {
    return this.#ledger.submit<Returned>((state) => unchanged(state, reported(state, recall)), {
      verdict: 'unavailable',
    });
  }

  /** An account below gives back what it does not use. */
  async giveBack(child: AccountId, branches: Readonly<Record<Hex, Shares>>): Promise<Acknowledged> {
    const all = await Promise.all(
      Object.entries(branches).map(([issued, shares]) =>
        this.#ledger.submit<Acknowledged>(
          (state, _, context) => {
            const row = context.leaseOf(child, issued as Hex);
            return row === undefined
              ? unchanged(state, { verdict: 'ok' })
              : takeBack(state, row, shares, context);
          },
          { verdict: 'unavailable' },
        ),
      ),
    );
    return all.find(({ verdict }) => verdict === 'unavailable') ?? { verdict: 'ok' };
  }

  /** Counts a command that another account of the tree carries out. The same one again, by its id, is counted once. */
  async charge(charge: CommandCharge): Promise<ChargedCommand> {
    const beside = await besideCalls();
    if (beside === undefined) return { verdict: 'unavailable' };
    const key = `${charge.budget} ${charge.id}`;
    const decide = (isPaidAbove: boolean) =>
      this.#ledger.submit<ChargedCommand | Charge>(
        (state, _, context) => {
          if (this.#charges.has(key)) return unchanged(state, { verdict: 'charged' });
          const decision = beside.chargeHere(state, charge, context, isPaidAbove);
          if (decision.durable) this.#noteCharge(key);
          return decision;
        },
        { verdict: 'unavailable' },
      );
    const verdict = await decide(false);
    if (verdict.verdict !== 'charge') return verdict;
    const above = await this.#chargeTo(verdict);
    if (above.verdict !== 'charged') return above;
    const paid = await decide(true);
    return paid.verdict === 'charge' ? { verdict: 'unavailable' } : paid;
  }

  async #chargeTo({ to, budget, bytes, id }: Charge): Promise<ChargedCommand> {
    try {
      return await this.env.AGENT_ACCOUNT.getByName(to).charge({ budget, bytes, id });
    } catch (cause) {
      console.error({ event: 'charge_failed', account: to, cause: String(cause) });
      return { verdict: 'unavailable' };
    }
  }

  /** Copies of one signed command can arrive at once, before any of them is carried out. */
  #noteCharge(key: string): void {
    this.#charges.add(key);
    const [oldest] = this.#charges;
    if (this.#charges.size > MOST_CHARGES && oldest !== undefined) this.#charges.delete(oldest);
  }

  /** A page of the accounts that it has granted to. */
  async children(after: Hex | undefined, limit?: number): Promise<Children> {
    const beside = await besideCalls();
    // An empty page would say that there is nobody below.
    if (beside === undefined) throw new Error('The accounts below could not be read.');
    const { storage } = this.#ledger;
    return this.#ledger.submit<Children>(
      (state, _, context) => beside.children(state, storage(), after, limit, context),
      { children: [] },
    );
  }

  /** How the account stands, for its holder. Writes nothing. */
  async standing(question: StandingQuestion): Promise<StandingVerdict> {
    const beside = await besideCalls();
    if (beside === undefined) return { verdict: 'unavailable' };
    const decide = () =>
      this.#ledger.submit<StandingVerdict>(
        (state, _, context) => beside.standing(state, question, context),
        { verdict: 'unavailable' },
      );
    const known = await decide();
    // A revocation reaches holders of live leases; this account may hold none, and would show a revoked grant as active.
    const hears = known.verdict === 'found' && known.standing.parent !== undefined;
    if (!hears || Date.now() < this.#hearsAgainAt) return known;
    this.#hearsAgainAt = Date.now() + HEAR_PAUSE_MS;
    await this.#hearAbove();
    return decide();
  }

  /** Entries after a place in its chain; where there are none yet, the next ones, as soon as they are durable. Writes nothing. */
  async entries(after: number, waitMs: number, limit: number, by?: AccountId): Promise<EntryPage> {
    return this.#feed.entries(after, waitMs, limit, by);
  }

  /** What another account is to this one, for the gateway to know what it may show. Writes nothing. */
  async relation({ by }: { readonly by: AccountId }): Promise<Relation> {
    return this.#ledger.submit<Relation>(
      (state) =>
        unchanged(state, {
          verdict: 'found',
          relation: relationTo(state, by),
          hasParent: hasParent(state),
          exists: exists(state),
        }),
      { verdict: 'unavailable' },
    );
  }

  /** A document that it keeps for the gateway. Writes nothing. */
  async document(type: DocumentType, name: string): Promise<KeptDocument> {
    const beside = await besideCalls();
    if (beside === undefined) return { verdict: 'unavailable' };
    return this.#ledger.submit<KeptDocument>(
      (state, _, context) => beside.documentIn(state, type, name, context),
      { verdict: 'unavailable' },
    );
  }

  /** Documents of one type that changed since an entry of its chain. Writes nothing. */
  async documentsSince(type: DocumentType, since: number): Promise<ChangedDocuments> {
    const beside = await besideCalls();
    if (beside === undefined) return { verdict: 'unavailable' };
    const { storage } = this.#ledger;
    return this.#ledger.submit<ChangedDocuments>(
      (state) => beside.documentsSince(state, storage(), type, since),
      { verdict: 'unavailable' },
    );
  }

  /** Before it grants on what it holds, or takes more, those above say whether that still lives (design §4.5). */
  async #hearAbove(): Promise<boolean> {
    const asks = await this.#ledger.submit<ReturnType<typeof asksOf>>((state, _, { now }) => {
      const all = state.held.flatMap((held) => asksOf(state, held, 0n, now));
      return unchanged(state, [...new Map(all.map((ask) => [ask.link.hash, ask])).values()]);
    }, []);
    // Their word only: a lease taken here would be held, and one of another asset than the calls'.
    const heard = await this.#desk.sound(NO_PROGRESS, asks, 'eip155:0/erc20:0x');
    return heard.unreachable === undefined;
  }

  /** Takes what the chain said of payments. Idempotent: the Queue delivers at least once, in no order. */
  async settled(results: readonly SettlementResult[]): Promise<Acknowledged> {
    return this.#ledger.submit<Acknowledged>(
      (state, load, context) => concludeAll(state, load, results, context),
      { verdict: 'unavailable' },
    );
  }

  /**
   * Has the settlement queue look at payments again whose money the chain was seen to move otherwise than its log says. Writes
   * nothing: whoever has seen it asks again for as long as they do not agree.
   */
  async recheck(calls: readonly Hex[]): Promise<Rechecked> {
    const messages = await this.#ledger.submit<readonly SettlementMessage[] | undefined>(
      (state, load, { now }) => unchanged(state, looksAgain(state, load, calls, now)),
      undefined,
    );
    if (messages === undefined) return { verdict: 'unavailable' };
    if (messages.length > 0) {
      await this.env.SETTLEMENT_QUEUE.sendBatch(messages.map((body) => ({ body })));
    }
    return { verdict: 'rechecking', calls: messages.map(({ call }) => call) };
  }

  /** Every entry up to `seq` is in D1. */
  async exported(seq: number): Promise<Acknowledged> {
    return this.#ledger.submit<Acknowledged>((state) => acknowledge(state, seq), {
      verdict: 'unavailable',
    });
  }

  /** Where the account stands, for its holders and for tests. Amounts as decimal strings. */
  async snapshot(): Promise<Snapshot> {
    const beside = await besideCalls();
    if (beside === undefined) return { known: false };
    const { storage } = this.#ledger;
    return this.#ledger.submit<Snapshot>(
      (state, _, context, memory) =>
        unchanged(state, beside.snapshotOf(state, memory, storage().rowsWritten(), context)),
      { known: false },
    );
  }

  /** Ends what has run out of time, sends what was not acknowledged, prunes. At least once, so idempotent. */
  override async alarm(): Promise<void> {
    const { storage } = this.#ledger;
    await this.#ledger.submit<Acknowledged>(
      (state, load, context, memory) => tick(state, load, memory, storage(), context),
      { verdict: 'unavailable' },
    );
    await this.#ledger.rearm(async (memory) => {
      await this.#deliveries.send(memory, storage());
      await this.#recalls.giveUpIdle();
    });
  }
}
