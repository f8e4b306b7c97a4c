import type { AgentAccountRpc } from '../protocol/account/rpc.ts';
import type { RelayerRpc } from '../protocol/relayer-contract.ts';
import type { AccountId, Network } from '../protocol/account-id.ts';
import type { Gateway } from '../gateway/gateway.ts';

/** What management needs of the world besides the request path: every question an account answers, the database, the queues. */
export type AdminContext = Omit<Gateway, 'account'> & {
  readonly account: (
    id: AccountId,
  ) => ReturnType<Gateway['account']> & Pick<AgentAccountRpc, 'children' | 'relation' | 'entries'>;
  /** Our own key on a chain. */
  readonly relayer: (network: Network) => Pick<RelayerRpc, 'status'>;
  readonly db: D1Database;
  readonly auditQueue: Pick<Queue, 'send'>;
  readonly webhookQueue: Pick<Queue, 'send'>;
};
