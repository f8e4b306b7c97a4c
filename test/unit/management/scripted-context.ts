import { env } from 'cloudflare:workers';
import { managementTool } from '../../../src/catalog/gateway-tools.ts';
import type { Config } from '../../../src/config/config.ts';
import { observeOwn } from '../../../src/gateway/observe.ts';
import type { AdminContext } from '../../../src/management/handler.ts';
import { type RouteId, toolIdOf } from '../../../src/management/endpoint.ts';
import { ROUTES } from '../../../src/management/routes.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Children } from '../../../src/protocol/account/grant.ts';
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { scriptedGateway } from '../gateway/scripted.ts';
import {
  addressOf,
  intentFor,
  intentHeader,
  NETWORK,
  signIntent,
  type Who,
} from '../gateway/signing.ts';

type Rpc = ReturnType<AdminContext['account']>;
type ScriptedRpc = Partial<Rpc>;

/** A message that the code under test sent to a queue. */
export type Queued = { readonly queue: 'audit' | 'webhooks'; readonly message: unknown };

/** A context with scripted accounts and the test's real database. */
export const scriptedContext = async (config: Config, answers: ScriptedRpc = {}) => {
  const { gateway, asked, rateLimited } = await scriptedGateway(config, answers);
  const relation: { readonly of: AccountId; readonly by: AccountId }[] = [];
  const queued: Queued[] = [];
  const queue = (name: Queued['queue']): AdminContext['auditQueue'] => ({
    send: async (message) => {
      queued.push({ queue: name, message });
      return { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
    },
    metrics: async () => ({ backlogCount: 0, backlogBytes: 0 }),
  });
  const context: AdminContext = {
    ...gateway,
    account: (of) => ({
      ...gateway.account(of),
      relation: async (question) => {
        relation.push({ of, by: question.by });
        return (
          answers.relation?.(question) ?? {
            verdict: 'found',
            relation: 'none',
            hasParent: false,
            exists: true,
          }
        );
      },
      children: async (after, limit): Promise<Children> =>
        answers.children?.(after, limit) ?? { children: [] },
      entries: async (after, wait, limit) =>
        answers.entries?.(after, wait, limit) ?? {
          verdict: 'found',
          entries: [],
          exported: 0,
          head: 0,
        },
      admitSession: async (request) => answers.admitSession?.(request) ?? { verdict: 'admitted' },
      endSession: async (end) => answers.endSession?.(end) ?? { verdict: 'ok' },
    }),
    relayer: () => ({ status: async () => ({ verdict: 'unconfigured' }) }),
    db: env.AUDIT_DB,
    auditQueue: queue('audit'),
    webhookQueue: queue('webhooks'),
    env: {},
  };
  return { context, asked, rateLimited, relation, queued };
};

export const accountOf = (who: Who): AccountId => `${NETWORK}:${addressOf(who)}`;

export type RequestParts = {
  readonly who?: Who;
  readonly fields?: Partial<AgentIntent>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

/** A request for a route, signed with one of the test's keys. */
export const signedRequest = async (
  config: Config,
  id: RouteId,
  path: string,
  { who = 'owner', fields = {}, body, headers = {} }: RequestParts = {},
): Promise<Request> => {
  const route = ROUTES.find((each) => each.id === id);
  if (route === undefined) throw new Error(`no route ${id}`);
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const unsigned = () =>
    new Request(`https://gw.example${path}`, {
      method: route.method,
      headers: {
        ...(text === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(text === undefined ? {} : { body: text }),
    });
  const tool = managementTool({
    ...{ id: toolIdOf(id), method: route.method, path: route.path },
    maxBodyBytes: 65_536,
  });
  const seen = await observeOwn(unsigned(), config, tool);
  if (!seen.ok) throw new Error(seen.error.reason);
  const intent = intentFor(seen.value, { agent: addressOf(who), ...fields });
  const signed = await signIntent(intent, who);
  const request = unsigned();
  request.headers.set('Agent-Intent', intentHeader(signed)['Agent-Intent']);
  return request;
};
