import { ZERO_ADDRESS } from '../core/hex.ts';
import { endpointOf, type RouteId, toolIdOf } from '../management/endpoint.ts';
import { type Network, network as networkOn, parseAccountId } from '../protocol/account-id.ts';
import { readChallenge } from './challenge.ts';
import { CountersignError, isProblem, type ProblemBody, problemIn, refusalIn } from './errors.ts';
import { exchange, type Sender } from './exchange.ts';
import { type Outgoing, readOutgoing } from './outgoing.ts';
import { type Proof, signQuestion, windowAt } from './proof.ts';
import type { Signer } from './signer.ts';
import { send } from './transport.ts';

/** The state that all requests of one management client share. */
export type ManagementContext = Sender & {
  readonly signer: Signer;
  /** The address that requests go to. */
  readonly origin: string;
  /** The origin that the gateway calls itself, which intents name. */
  readonly audience: string;
  /** Chain of the account that signs; absent: chosen by each request. */
  readonly chainId: number | undefined;
  /** Caches the first chain of the gateway. */
  readonly first: { network?: Network };
  /** Proofs of commands whose answer was lost: of each target the last PUT or DELETE, and each POST. */
  readonly lost: Map<string, Proof & { readonly asked?: string }>;
  readonly reader: Reader | undefined;
};

/** Sends a request that changes nothing, with a proof of its own. */
export type Reader = (request: Outgoing) => Promise<Response>;

/** The parts of a request, for any route. */
export type RouteRequest = {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  readonly ifMatch?: string;
  readonly ifNoneMatch?: '*';
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
};

/**
 * Signs one request for a route, and sends it until the gateway answers. A command whose answer was lost is signed once: the same request
 * sends the same proof again until the gateway has decided it, so that the gateway carries it out at most once.
 *
 * @returns a successful answer
 * @throws CountersignError `refused`, `command_lost`, and the errors of signing and sending
 */
export const requestRoute = async (
  context: ManagementContext,
  id: RouteId,
  request: RouteRequest,
): Promise<Response> => {
  const isCommand = endpointOf(id).method !== 'GET';
  const outgoing = await outgoingFor(context.origin, id, request);
  if (context.reader !== undefined && (!isCommand || request.dryRun === true)) {
    const response = await context.reader(outgoing);
    return response.ok ? response : refuse(response, await problemIn(response, context.timeoutMs));
  }
  const network = await networkFor(context, outgoing, request);
  const asked = JSON.stringify([id, request]);
  // The proof of a PUT that a newer PUT replaced must be dropped: it would undo the newer one, or the gateway would answer that it was
  // already carried out.
  const isReplacing = isCommand && outgoing.method !== 'POST' && request.dryRun !== true;
  const key = isReplacing ? outgoing.url : asked;
  const earlier = context.lost.get(key);
  const before = earlier?.asked === asked ? earlier : undefined;
  const proof =
    before ??
    (await signQuestion(context.signer, outgoing, network, {
      audience: context.audience,
      tool: toolIdOf(id),
      payTo: ZERO_ADDRESS,
      asset: ZERO_ADDRESS,
      maxAmount: 0n,
      ...windowAt(context.now()),
    }));
  const { response, problem, lost } = await exchange(context, outgoing, proof).catch(
    (cause: unknown) => {
      if (!isLost(cause)) throw cause;
      if (!isCommand) return unread(cause);
      context.lost.set(key, { ...proof, asked });
      throw commandLost({ cause }, cause.problem);
    },
  );
  const wasLost = isCommand && (before !== undefined || lost);
  if (isCommand && isUndecided(response, problem, wasLost)) {
    context.lost.set(key, { ...proof, asked });
    throw commandLost({ response }, problem);
  }
  context.lost.delete(key);
  if (response.ok) return response;
  const more = { response, ...(problem === undefined ? {} : { problem }) };
  // The gateway may have carried out an earlier attempt, and will not carry out another one.
  if (wasLost && DECIDED.some((name) => isProblem(problem, name))) throw commandLost(more);
  return refuse(response, problem);
};

/** Whether an answer leaves the outcome of a command open. @param isRepeat whether an earlier attempt may have arrived */
export const isUndecided = (
  { ok, status }: Response,
  problem: ProblemBody | undefined,
  isRepeat: boolean,
): boolean => {
  const isOfProxy = !ok && problem === undefined;
  const hasFailed = status === 500 || (isOfProxy && status > 500);
  // A rate limit, a firewall or an outage can stop a repeat before the gateway reads the command.
  return hasFailed || (isRepeat && (isOfProxy || status === 429 || status === 503));
};

const DECIDED = ['already-used', 'expired'];

const refuse = (response: Response, problem: ProblemBody | undefined): never => {
  const why = refusalIn(problem) ?? `The gateway answered ${response.status}.`;
  throw new CountersignError('refused', why, {
    response,
    ...(problem === undefined ? {} : { problem }),
  });
};

const isLost = (cause: unknown): cause is CountersignError =>
  cause instanceof CountersignError && cause.code === 'answer_lost';

/** A read changes nothing, so a lost answer does no harm. */
const unread = ({ problem, response, cause }: CountersignError): never => {
  if (problem !== undefined && response !== undefined) return refuse(response, problem);
  throw new CountersignError('unreachable', 'The gateway did not answer.', {
    ...(response === undefined ? { cause } : { response }),
  });
};

/** @param last the last refusal, which leaves open whether the command was executed */
const commandLost = (
  more: ConstructorParameters<typeof CountersignError>[2],
  last?: ProblemBody,
): CountersignError => {
  const why = refusalIn(last);
  const what = 'The gateway did not answer the command';
  return new CountersignError(
    'command_lost',
    why === undefined ? `${what}.` : `${what}: ${why}`,
    more,
  );
};

/**
 * The network to sign for: the configured chain; otherwise the chain of the account in the request; otherwise, for an operator, the
 * first chain that the gateway names in its challenge.
 */
const networkFor = async (
  context: ManagementContext,
  outgoing: Outgoing,
  { params }: RouteRequest,
): Promise<Network> => {
  const about = parseAccountId(params?.['account'] ?? '')?.network;
  if (context.chainId !== undefined) return networkOn(context.chainId);
  if (about !== undefined) return about;
  context.first.network ??= await send(context, outgoing, {}, async (response) => {
    const challenge = response.status === 401 ? await readChallenge(response) : undefined;
    if (challenge !== undefined) return challenge.networks[0];
    throw new CountersignError('challenge_malformed', 'The gateway requests no AgentIntent.', {
      response,
    });
  });
  return context.first.network;
};

/** The request for a route, exactly as the client sends it. @throws CountersignError `options_invalid`, `request_unsignable` */
const outgoingFor = async (
  origin: string,
  id: RouteId,
  { params = {}, query = {}, body, ifMatch, ifNoneMatch, dryRun, signal }: RouteRequest,
): Promise<Outgoing> => {
  const { method, path } = endpointOf(id);
  const headers = new Headers();
  if (body !== undefined) headers.set('Content-Type', 'application/json');
  if (ifMatch !== undefined) headers.set('If-Match', quoted(ifMatch));
  if (ifNoneMatch !== undefined) headers.set('If-None-Match', ifNoneMatch);
  if (dryRun === true) headers.set('Dry-Run', '?1');
  return await readOutgoing(origin + pathOf(path, params) + queryOf(query), {
    method,
    headers,
    // A cached answer would also be shown to other accounts in the same browser.
    cache: 'no-store',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
};

/** The characters of every id. With others, a parameter could turn the URL into that of another route (CWE-22). */
const PARAMETER = /^(?!\.{1,2}$)[A-Za-z0-9._:~-]{1,512}$/;

const pathOf = (path: string, params: Readonly<Record<string, string>>): string =>
  path.replace(/:([a-z]+)/g, (_, name: string) => {
    const value = params[name] ?? '';
    if (PARAMETER.test(value)) return value;
    throw new CountersignError(
      'options_invalid',
      `params.${name} has characters that a path cannot have`,
    );
  });

const queryOf = (query: NonNullable<RouteRequest['query']>): string => {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
};

/** Adds the quotes of an ETag, which a hash copied from JSON lacks. */
const quoted = (etag: string): string =>
  etag === '*' || etag.startsWith('"') ? etag : `"${etag}"`;
