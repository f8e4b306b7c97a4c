import { managementTool } from '../catalog/own-tool.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { nowSeconds } from '../core/clock.ts';
import { problem } from '../protocol/problem/problem.ts';
import { authenticate } from '../gateway/account-api/authenticate.ts';
import { clientOf } from '../gateway/rate-limit.ts';
import { observeOwnHead } from '../gateway/observe.ts';
import { type RouteId, toolIdOf } from './place.ts';
import type { Route } from './routes.ts';
import { admit, isAboutKin } from './admit.ts';
import type { AdminRequest, Handler } from './handler.ts';
import { HANDLERS } from './handlers.ts';
import { match } from './match.ts';
import type { AdminContext } from './admin-context.ts';
import { orderedBy } from './command.ts';
import { readParams, readSaid } from './read.ts';

/**
 * The management API: every request under `/admin` and `/accounts` takes these steps, whatever its route. Who asks is known first, then
 * whether they may, then what they say; a handler sees nothing that has not passed all three.
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
  const asking = await authenticate(context, tool, request, head.value);
  if (!asking.ok) return asking.error;
  const { signer: asker, received: observed } = asking.value;

  const params = readParams(context.config, found.params);
  // A text that can be no account is nobody's. Who is no operator hears nothing at all of what stands in a path of theirs.
  if (!params.ok && isAboutKin(route)) return problem(params.error);
  const account = params.ok ? (params.value['account'] as AccountId | undefined) : undefined;
  const admitted = await admit(context, route, account, asker, clientOf(request.headers));
  if (!admitted.ok) return problem(admitted.error);
  if (!params.ok) return problem(params.error);
  const said = readSaid(route, observed, request.headers);
  if (!said.ok) return problem(said.error);

  const answered = await handlerOf(route)({
    context,
    by: admitted.value,
    order: orderedBy(asker),
    params: params.value,
    request,
    now: nowSeconds(),
    ...said.value,
  } as unknown as AdminRequest<RouteId>);
  return answered.ok ? answered.value : problem(answered.error);
};

const toolOf = ({ id, method, path, maxBody }: Route) =>
  managementTool({ id: toolIdOf(id), method, path, maxBodyBytes: maxBody });

/** What was read is what the route's schemas give: the table ties both to the id, which a compiler cannot follow through a look-up. */
const handlerOf = ({ id }: Route): Handler<RouteId> => HANDLERS[id] as unknown as Handler<RouteId>;
