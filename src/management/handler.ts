import type * as z from 'zod/mini';
import type { Seconds } from '../core/clock.ts';
import type { Result } from '../core/result.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { AuditLogRpc } from '../protocol/audit-log-contract.ts';
import type { CommandIntent, CommandSigner, Expected } from '../protocol/account/command.ts';
import type { AgentAccountRpc } from '../protocol/account/rpc.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import type { RelayerRpc } from '../protocol/relayer-contract.ts';
import type { PARAMS, ParamName, ROUTE_TABLE, RouteId } from './routes.ts';

/** The services that the management API uses: those of a paid request, more methods of each account, the relayers, D1 and the queues. */
export type AdminContext = Omit<Gateway, 'account'> & {
  readonly account: (
    id: AccountId,
  ) => ReturnType<Gateway['account']> &
    Pick<AgentAccountRpc, 'children' | 'relation' | 'entries' | 'admitSession' | 'endSession'>;
  readonly relayer: (key: AccountId) => Pick<RelayerRpc, 'status'>;
  readonly db: D1Database;
  readonly auditQueue: Pick<Queue, 'send' | 'metrics'>;
  readonly webhookQueue: Pick<Queue, 'send'>;
  /** The transparency log of an origin; absent where there is none. */
  readonly log?: (origin: string) => Pick<AuditLogRpc, 'leaves' | 'leavesOf'>;
  /** Variables and secrets of the Worker; the vault reads its keys there. */
  readonly env: Readonly<Record<string, unknown>>;
};

type ParamsOf<Id extends RouteId> = {
  readonly [Name in ParamName<Id>]: z.output<(typeof PARAMS)[Name]>;
};

/** The parsed query or body of a route; undefined if its table entry has no such schema. */
type PartOf<Id extends RouteId, Part extends 'query' | 'body'> =
  (typeof ROUTE_TABLE)[Id] extends Readonly<Record<Part, infer S extends z.ZodMiniType>>
    ? z.output<S>
    : undefined;

/** A request that was authenticated, authorised and parsed. */
export type AdminRequest<Id extends RouteId> = {
  readonly context: AdminContext;
  readonly by: CommandSigner;
  /** The signed intent of the request: evidence of a command, and valid for one. */
  readonly intent: CommandIntent;
  readonly params: ParamsOf<Id>;
  readonly query: PartOf<Id, 'query'>;
  readonly body: PartOf<Id, 'body'>;
  readonly expected: Expected | undefined;
  readonly dryRun: boolean;
  readonly request: Request;
  readonly now: Seconds;
};

export type Handler<Id extends RouteId> = (
  request: AdminRequest<Id>,
) => Promise<Result<Response, Reason>>;

/** The handlers of some routes. */
export type Handlers<Id extends RouteId> = { readonly [Each in Id]: Handler<Each> };
