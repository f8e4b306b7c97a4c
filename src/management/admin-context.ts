import type { Gateway } from '../gateway/gateway.ts';
import type { AgentAccountRpc } from '../protocol/account/rpc.ts';
import type { AccountId, Network } from '../protocol/account-id.ts';
import type { RelayerRpc } from '../protocol/relayer-contract.ts';

/** The services that the management API uses: those of a paid request, more methods of each account, the relayers, D1 and the queues. */
export type AdminContext = Omit<Gateway, 'account'> & {
  readonly account: (
    id: AccountId,
  ) => ReturnType<Gateway['account']> & Pick<AgentAccountRpc, 'children' | 'relation' | 'entries'>;
  readonly relayer: (network: Network) => Pick<RelayerRpc, 'status'>;
  readonly db: D1Database;
  readonly auditQueue: Pick<Queue, 'send'>;
  readonly webhookQueue: Pick<Queue, 'send'>;
};
