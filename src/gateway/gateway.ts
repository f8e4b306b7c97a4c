import type { AgentAccountRpc } from '../protocol/account/rpc.ts';
import type { OfferedGrants } from '../audit/offered-grants.ts';
import type { LiveCatalogue } from '../catalog/live.ts';
import type { Config } from '../config.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Signer } from '../crypto/signer.ts';
import type { Backends } from '../settlement/backends/registry.ts';
import type { Emit } from '../settlement/telemetry.ts';
import type { SpentProofs } from './spent-proofs.ts';
import type { Settling } from './outage.ts';

/** What the request path needs of the world: configuration, the accounts, the gateway's key and its first shield. */
export type Gateway = Settling & {
  /** Who moves payments; one an isolate. */
  readonly backends: Backends;
  readonly config: Config;
  /** What is sold now; `config.tools` is what it began from. */
  readonly catalogue: LiveCatalogue;
  readonly signer: Signer;
  /** Tells operators what happens to payments. */
  readonly emit: Emit;
  /** A fresh stub each time: one that has thrown stays broken (platform facts 1.4). */
  readonly account: (
    id: AccountId,
  ) => Pick<AgentAccountRpc, 'reserve' | 'finish' | 'lookUp' | 'apply' | 'standing'>;
  /** Which account keeps a grant that was offered. Asked only for a call that names a grant its account has not taken. */
  readonly offeredGrants: OfferedGrants;
  /** Whether the rate limiter still has room for a client or a payer (`client.ts`). Approximate, never a budget. */
  readonly shield: (key: string) => Promise<boolean>;
  /** One an isolate. */
  readonly spentProofs: SpentProofs;
  /** Keeps a promise alive after the client has hung up. */
  readonly waitUntil: (promise: Promise<unknown>) => void;
};
