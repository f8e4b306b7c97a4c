import { type RouteId, toolIdOf } from '../../../src/management/endpoint.ts';
import type { AdminRole } from '../../../src/management/route.ts';
import type { AdminRoute } from '../../../src/management/routes.ts';
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { agentIntent, signIntent } from './intent.ts';
import { requestOf, type RequestParts } from './manage.ts';
import { nowSeconds } from './payment.ts';
import type { ToolCall, World } from './world.ts';
import type { LocalAccount } from 'viem';

/** `notConsented` has offered a grant to every account of the test. No account has accepted. */
export const PEOPLE = [
  'unsigned',
  'stranger',
  'notConsented',
  'agent',
  'otherOwner',
  'owner',
  'operator',
] as const;
export type Person = (typeof PEOPLE)[number];

/** Accounts that a request can be about: an agent, its owner, and an account that does not exist. */
export type Target = 'agent' | 'owner' | 'missing';

/** How a request is signed. */
export const SIGNINGS = [
  'good',
  'replayed',
  'otherRoute',
  'expired',
  'otherAudience',
  'tampered',
] as const;
export type Signing = (typeof SIGNINGS)[number];

/** The roles of each person for each account. With the table of routes, they determine which requests the gateway serves. */
const RELATIONS: {
  readonly [of in Target]: { readonly [person in Person]?: readonly AdminRole[] };
} = {
  agent: { operator: ['operator'], owner: ['above'], agent: ['self'] },
  owner: { operator: ['operator'], owner: ['self', 'sovereign'] },
  missing: { operator: ['operator'] },
};

export type Case = {
  readonly route: AdminRoute;
  readonly target: Target;
  readonly person: Person;
  readonly signing: Signing;
};

/** The expected outcome: the gateway serves the request, or rejects it with this status and type. */
export type Expected = 'served' | `${number} ${string}`;

export const isAboutKin = ({ roles }: AdminRoute): boolean =>
  roles.some((role) => role !== 'operator');
const isAboutAccount = ({ path }: AdminRoute): boolean => path.includes(':account');

/** The routes that are tried with every faulty signature: one reads, one writes. `authorise.test.ts` covers the faults of all routes. */
const FAULTY: readonly RouteId[] = ['calls.list', 'account.policy.put'];
const SOUND: readonly Signing[] = ['good', 'replayed'];

const signingsOf = (route: AdminRoute, target: Target, person: Person): readonly Signing[] => {
  if (person === 'unsigned') return ['good'];
  return target === 'agent' && FAULTY.includes(route.id) ? SIGNINGS : SOUND;
};

/** Every case: each route, person and kind of signature, and for routes about an account also each other account. */
export const casesOf = (routes: readonly AdminRoute[]): readonly Case[] =>
  routes.flatMap((route) =>
    PEOPLE.flatMap((person) =>
      (isAboutAccount(route)
        ? (['agent', 'owner', 'missing'] as const)
        : (['agent'] as const)
      ).flatMap((target) =>
        signingsOf(route, target, person).map((signing) => ({ route, target, person, signing })),
      ),
    ),
  );

export const expectedOf = ({ route, target, person, signing }: Case): Expected => {
  if (person === 'unsigned') return '401 intent-required';
  switch (signing) {
    case 'otherRoute':
    case 'otherAudience':
    case 'tampered':
      return '400 intent-mismatch';
    case 'expired':
      return '400 expired';
    case 'good':
    case 'replayed':
  }
  if (!isAboutKin(route)) return person === 'operator' ? 'served' : '403 forbidden';
  const relations = RELATIONS[target][person] ?? [];
  if (target === 'missing' || relations.length === 0) return '404 unknown-account';
  return relations.some((role) => route.roles.includes(role)) ? 'served' : '403 forbidden';
};

/** A signed request that can be sent repeatedly. */
export type Signed = {
  readonly call: ToolCall;
  readonly headers: Readonly<Record<string, string>>;
};

/** Signs the request of a route as the case demands. */
export const signCase = async (
  world: World,
  account: LocalAccount | undefined,
  { route, signing }: Pick<Case, 'route' | 'signing'>,
  request: RequestParts,
  another: { readonly id: RouteId; readonly request: RequestParts },
): Promise<Signed> => {
  const call = requestOf(route.id, request);
  if (account === undefined) return { call, headers: { ...request.headers } };
  const by = async (id: RouteId, what: ToolCall, fields: Partial<AgentIntent> = {}) => ({
    ...request.headers,
    ...agentIntent(await signIntent(world, account, what, { tool: toolIdOf(id), ...fields })),
  });
  switch (signing) {
    case 'good':
    case 'replayed':
      return { call, headers: await by(route.id, call) };
    case 'otherRoute':
      return { call, headers: await by(another.id, requestOf(another.id, another.request)) };
    case 'otherAudience':
      return {
        call,
        headers: await by(route.id, call, { audience: 'https://other.example' }),
      };
    case 'expired': {
      const now = nowSeconds();
      const times = { validAfter: BigInt(now - 200), validBefore: BigInt(now - 100) };
      return { call, headers: await by(route.id, call, times) };
    }
    case 'tampered':
      return { call: tampered(call), headers: await by(route.id, call) };
  }
};

/** Changes a byte of the body, or adds an unsigned query parameter. */
const tampered = (call: ToolCall): ToolCall =>
  typeof call.body === 'string'
    ? { ...call, body: `${call.body} ` }
    : { ...call, path: `${call.path}${call.path.includes('?') ? '&' : '?'}limit=1` };

/** The outcome of a request, in the terms of `Expected`. */
export const outcomeOf = async (
  answer: Response,
): Promise<{ readonly outcome: string; readonly text: string }> => {
  if (answer.headers.get('Content-Type') === 'text/event-stream') {
    await answer.body?.cancel();
    return { outcome: String(answer.status), text: '' };
  }
  const text = await answer.text();
  if (answer.ok) return { outcome: String(answer.status), text };
  const { type = '' } = JSON.parse(text) as { readonly type?: string };
  return { outcome: `${answer.status} ${type.replace('urn:countersign:problem:', '')}`, text };
};

/** Works on `width` items at a time, because a case mostly waits for the gateway. */
export const inTurns = async <T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  width = 12,
): Promise<void> => {
  const queue = [...items];
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
    }),
  );
};
