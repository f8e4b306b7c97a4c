import type { OfferedGrants } from '../audit/offered-grants.ts';
import type { OpenCardFetcher } from '../cards/open-card.ts';
import type { LiveCatalogue } from '../catalog/live-catalogue.ts';
import type { Tool } from '../catalog/tool.ts';
import type { Config } from '../config/config.ts';
import type { Result } from '../core/result.ts';
import type { Signer } from '../crypto/signer.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { AlertBody } from '../protocol/alert.ts';
import type { AgentAccountRpc } from '../protocol/account/rpc.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import type { Screening } from '../screening/screening.ts';
import type { Backends } from '../settlement/backends/registry.ts';
import type { ChainHealth } from '../settlement/chain/health.ts';
import type { SharedWatches } from '../settlement/chain/shared-watch.ts';
import type { Emit } from '../settlement/telemetry.ts';
import type { SecretFetcher } from '../vault/egress.ts';
import type { CallTrace } from './call-trace.ts';
import type { RateLimit } from './rate-limit.ts';
import type { ReplayCache } from './replay.ts';

/** What the request path asks of an account. */
export type CallAccount = Pick<
  AgentAccountRpc,
  'reserve' | 'finish' | 'lookUp' | 'apply' | 'standing' | 'rights'
>;

/** A Worker that is bound to this one. */
export type BoundFetcher = Pick<Fetcher, 'fetch'>;

/** The services that the request path uses: configuration, accounts, signing key, rate limiter, settlement. */
export type Gateway = {
  readonly config: Config;
  /** The tools sold now. `config.tools` holds only the deployed ones. */
  readonly catalogue: LiveCatalogue;
  readonly signer: Signer;
  /** Backends that present payments; one instance per isolate. */
  readonly backends: Backends;
  readonly chainHealth: ChainHealth;
  /** The settlements that requests of this isolate wait for. */
  readonly watches: SharedWatches;
  /** Reports payment events to operators. */
  readonly emit: Emit;
  /** Never reuses a stub that has thrown, because such a stub fails every later request. */
  readonly account: (id: AccountId) => CallAccount;
  /** Finds the account that keeps an offered grant. Read only if a call names a grant that its account does not hold. */
  readonly offeredGrants: OfferedGrants;
  /** Returns the Worker that a service binding names; undefined if there is no such binding. */
  readonly service: (name: string) => BoundFetcher | undefined;
  /** Opens the fetcher that carries a tool's secrets; says why it cannot. */
  readonly openEgress: (tool: Tool) => Promise<Result<SecretFetcher, Reason>>;
  /** Opens what charges a card for the calls of a tool; says why it cannot. */
  readonly openCard: (tool: Tool) => Promise<Result<OpenCardFetcher, Reason>>;
  /** Absent if the operator screens nobody (docs/screening.md). One instance per isolate. */
  readonly screening?: Screening | undefined;
  /** Raises an alert about the gateway itself; false if it could not be recorded. */
  readonly raise: (alert: AlertBody) => Promise<boolean>;
  readonly rateLimit: RateLimit;
  /** One instance per isolate. */
  readonly replayCache: ReplayCache;
  /** Set while this request is traced. */
  readonly trace?: CallTrace | undefined;
  /** Keeps a promise running after the client has disconnected. */
  readonly waitUntil: (promise: Promise<unknown>) => void;
};
