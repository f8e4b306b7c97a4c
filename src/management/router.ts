import { TrieRouter } from 'hono/router/trie-router';
import { managementTool } from '../catalog/gateway-tools.ts';
import type { Tool } from '../catalog/tool.ts';
import { nowSeconds } from '../core/clock.ts';
import { err, type Result } from '../core/result.ts';
import { authenticate } from '../gateway/account-api/authenticate.ts';
import { observeOwnHead } from '../gateway/observe.ts';
import type { RequestHead } from '../gateway/paid-request.ts';
import { clientOf } from '../gateway/rate-limit.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { AGENT_INTENT_HEADER } from '../protocol/intent/agent-intent.ts';
import { AGENT_SESSION_HEADER } from '../protocol/intent/agent-session.ts';
import { problem } from '../protocol/problem/problem.ts';
import { accountHandlers } from './account.ts';
import { authorise, isForOperatorsOnly } from './authorise.ts';
import { approvalHandlers } from './approval.ts';
import { backendHandlers } from './backend.ts';
import { callHandlers } from './call.ts';
import { chargeChangeHandlers } from './charge-change.ts';
import { commandIntent } from './command.ts';
import { creditHandlers } from './credit.ts';
import { deadLetterHandlers } from './dead-letter.ts';
import { toolIdOf } from './endpoint.ts';
import { entryHandlers } from './entry.ts';
import type { AdminContext, AdminRequest, Handler, Handlers } from './handler.ts';
import { ledgerHandlers } from './ledger.ts';
import { logHandlers } from './log.ts';
import { movingHandlers } from './moving.ts';
import { outageHandlers } from './outage.ts';
import { parseParams, parseRequest } from './parse-request.ts';
import { overviewHandlers } from './overview.ts';
import { policyHandlers } from './policy.ts';
import { queueHandlers } from './queue.ts';
import { rebuildHandlers } from './rebuild.ts';
import { reconciliationHandlers } from './reconciliation.ts';
import { relayerHandlers } from './relayer.ts';
import { type AdminRoute, type RouteId, ROUTES } from './routes.ts';
import { secretHandlers } from './secret.ts';
import { admitSession, authenticateSession, type SessionRead } from './session.ts';
import { settingsHandlers } from './settings.ts';
import { settlementHandlers } from './settlement.ts';
import { spendHandlers } from './spend.ts';
import { toolHandlers } from './tool.ts';
import { unlessUnchanged } from './unless-unchanged.ts';
import { webhookHandlers } from './webhook.ts';

export { endSession } from './end-session.ts';
export { showSession } from './show-session.ts';

/** The handler of every route. */
const HANDLERS: Handlers<RouteId> = {
  ...accountHandlers,
  ...approvalHandlers,
  ...backendHandlers,
  ...callHandlers,
  ...chargeChangeHandlers,
  ...creditHandlers,
  ...deadLetterHandlers,
  ...entryHandlers,
  ...ledgerHandlers,
  ...logHandlers,
  ...movingHandlers,
  ...settingsHandlers,
  ...outageHandlers,
  ...overviewHandlers,
  ...policyHandlers,
  ...queueHandlers,
  ...rebuildHandlers,
  ...reconciliationHandlers,
  ...relayerHandlers,
  ...secretHandlers,
  ...settlementHandlers,
  ...spendHandlers,
  ...toolHandlers,
  ...webhookHandlers,
};

/**
 * The management API. Every request under `/admin` and `/accounts` takes the same steps: match the route, authenticate the signer, authorise
 * it, parse the request, run the handler. A handler sees only requests that passed all of them.
 */
export const manage = async (context: AdminContext, request: Request): Promise<Response> => {
  const found = match(request.method, URL.parse(request.url)?.pathname ?? '');
  if (found.match === 'not_found') return problem({ reason: 'not_found' });
  if (found.match === 'method_not_allowed') {
    return problem({ reason: 'method_not_allowed', allow: found.allow });
  }
  const { route } = found;
  const tool = toolOf(route);
  const head = observeOwnHead(request, context.config, tool);
  if (!head.ok) return problem(head.error);
  const authenticated = await authenticateReader(context, tool, request, head.value);
  if (!authenticated.ok) return authenticated.error;
  const { signer, received } = authenticated.value;

  const params = parseParams(context.config, found.params);
  // Non-operators get 403 for operator routes, whether or not the resource exists, so that the API leaks nothing.
  if (!params.ok && !isForOperatorsOnly(route)) return problem(params.error);
  const account = params.ok ? (params.value['account'] as AccountId | undefined) : undefined;
  const admitted = await authorise(context, route, account, signer, clientOf(request.headers));
  if (!admitted.ok) return problem(admitted.error);
  if (!params.ok) return problem(params.error);
  const parsed = parseRequest(route, received, request.headers);
  if (!parsed.ok) return problem(parsed.error);
  if ('until' in authenticated.value) {
    if (route.write && !parsed.value.dryRun) return problem({ reason: 'session_reads' });
    const session = await admitSession(context, authenticated.value);
    if (!session.ok) return problem(session.error);
  }

  const now = nowSeconds();
  const answer = () =>
    handlerOf(route)({
      context,
      by: admitted.value,
      intent: commandIntent(signer),
      params: params.value,
      request,
      now,
      ...parsed.value,
    } as unknown as AdminRequest<RouteId>);
  const answered =
    route.readsLog === true
      ? await unlessUnchanged(context.db, request.headers, now, answer)
      : await answer();
  return answered.ok ? answered.value : problem(answered.error);
};

/** Authenticates a request by an intent of the wallet, or by a session that the wallet has authorised to read. */
const authenticateReader = async (
  context: AdminContext,
  tool: Tool,
  request: Request,
  head: RequestHead,
): Promise<Result<Pick<SessionRead, 'signer' | 'received'> | SessionRead, Response>> => {
  if (!request.headers.has(AGENT_SESSION_HEADER) || request.headers.has(AGENT_INTENT_HEADER)) {
    return authenticate(context, tool, request, head);
  }
  const session = await authenticateSession(context, tool, request, head);
  return session.ok ? session : err(await problem(session.error));
};

const toolOf = ({ id, method, path, maxBody }: AdminRoute) =>
  managementTool({ id: toolIdOf(id), method, path, maxBodyBytes: maxBody });

/** The table gives route and handler the same types by id, which the compiler cannot follow through a look-up. */
const handlerOf = ({ id }: AdminRoute): Handler<RouteId> =>
  HANDLERS[id] as unknown as Handler<RouteId>;

type Match =
  | {
      readonly match: 'route';
      readonly route: AdminRoute;
      /** The parameters of the path by name, percent-decoded but not parsed. */
      readonly params: Readonly<Record<string, string>>;
    }
  | { readonly match: 'method_not_allowed'; readonly allow: readonly string[] }
  | { readonly match: 'not_found' };

const router = new TrieRouter<AdminRoute>();
for (const route of ROUTES) router.add(route.method, route.path, route);

const METHODS = ['DELETE', 'GET', 'POST', 'PUT'] as const;

/** Finds the route for a method and a path. */
const match = (method: string, path: string): Match => {
  const [[found]] = router.match(method, path);
  if (found === undefined) {
    const allow = METHODS.filter((each) => router.match(each, path)[0].length > 0);
    return allow.length === 0 ? { match: 'not_found' } : { match: 'method_not_allowed', allow };
  }
  const params = decoded(found[1] as Readonly<Record<string, string>>);
  return params === undefined
    ? { match: 'not_found' }
    : { match: 'route', route: found[0], params };
};

/** Undefined if a percent escape is malformed. Generated clients send the colons of an account id as `%3A`. */
const decoded = (
  params: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | undefined => {
  try {
    return Object.fromEntries(
      Object.entries(params).map(([name, text]) => [name, decodeURIComponent(text)]),
    );
  } catch {
    return undefined;
  }
};
