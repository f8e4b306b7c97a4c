import type { LocalAccount } from 'viem';
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { type RouteId, toolIdOf } from '../../../src/management/place.ts';
import type { AdminRole } from '../../../src/management/route.ts';
import type { AdminRoute } from '../../../src/management/routes.ts';
import { agentIntent, signIntent } from './intent.ts';
import { requestOf, type Said } from './manage.ts';
import { nowSeconds } from './payment.ts';
import type { ToolCall, World } from './world.ts';

/** `notAgreed`: it has offered a grant to every account of the stage, and none has consented. */
export const PEOPLE = [
  'nobody',
  'stranger',
  'notAgreed',
  'agent',
  'otherOwner',
  'owner',
  'operator',
] as const;
export type Person = (typeof PEOPLE)[number];

/** Accounts that a request can be about: an agent below its owner, an owner, and one that was never heard of. */
export type Target = 'agent' | 'owner' | 'nobody';

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

/** What each person is to each account: facts of the stage, from which the table of routes says who may do what. */
const RELATIONS: { readonly [of in Target]: { readonly [who in Person]?: readonly AdminRole[] } } =
  {
    agent: { operator: ['operator'], owner: ['above'], agent: ['self'] },
    owner: { operator: ['operator'], owner: ['self', 'sovereign'] },
    nobody: { operator: ['operator'] },
  };

export type Case = {
  readonly route: AdminRoute;
  readonly target: Target;
  readonly who: Person;
  readonly signing: Signing;
};

/** What must come of a request: it is heard, or refused with one status and one type. */
export type Expected = 'heard' | `${number} ${string}`;

export const isAboutKin = ({ roles }: AdminRoute): boolean =>
  roles.some((role) => role !== 'operator');
const isAboutAccount = ({ path }: AdminRoute): boolean => path.includes(':account');

/** Every case of the table: each route by each person in each way, and those about an account by each person about each other account. */
export const casesOf = (routes: readonly AdminRoute[]): readonly Case[] =>
  routes.flatMap((route) =>
    PEOPLE.flatMap((who) => [
      ...SIGNINGS.map((signing) => ({ route, target: 'agent', who, signing }) as const),
      ...(isAboutAccount(route) ? (['owner', 'nobody'] as const) : []).flatMap((target) =>
        (['good', 'replayed'] as const).map((signing) => ({ route, target, who, signing })),
      ),
    ]),
  );

export const expectedOf = ({ route, target, who, signing }: Case): Expected => {
  if (who === 'nobody') return '401 intent-required';
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
  if (!isAboutKin(route)) return who === 'operator' ? 'heard' : '403 forbidden';
  const relations = RELATIONS[target][who] ?? [];
  if (target === 'nobody' || relations.length === 0) return '404 unknown-account';
  return relations.some((role) => route.roles.includes(role)) ? 'heard' : '403 forbidden';
};

/** A request as it goes out, so that it can go out again. */
export type Signed = {
  readonly call: ToolCall;
  readonly headers: Readonly<Record<string, string>>;
};

/** Signs what a route is asked, as well or as badly as is said. */
export const signCase = async (
  world: World,
  account: LocalAccount | undefined,
  { route, signing }: Pick<Case, 'route' | 'signing'>,
  said: Said,
  another: { readonly id: RouteId; readonly said: Said },
): Promise<Signed> => {
  const call = requestOf(route.id, said);
  if (account === undefined) return { call, headers: { ...said.headers } };
  const by = async (id: RouteId, what: ToolCall, fields: Partial<AgentIntent> = {}) => ({
    ...said.headers,
    ...agentIntent(await signIntent(world, account, what, { tool: toolIdOf(id), ...fields })),
  });
  switch (signing) {
    case 'good':
    case 'replayed':
      return { call, headers: await by(route.id, call) };
    case 'otherRoute':
      return { call, headers: await by(another.id, requestOf(another.id, another.said)) };
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

/** The same to whoever reads it, but for a byte; or with something in the query that nobody has signed. */
const tampered = (call: ToolCall): ToolCall =>
  typeof call.body === 'string'
    ? { ...call, body: `${call.body} ` }
    : { ...call, path: `${call.path}${call.path.includes('?') ? '&' : '?'}limit=1` };

/** What came of a request, in the words of `Expected`. */
export const saidOf = async (
  answer: Response,
): Promise<{ readonly said: string; readonly text: string }> => {
  if (answer.headers.get('Content-Type') === 'text/event-stream') {
    await answer.body?.cancel();
    return { said: String(answer.status), text: '' };
  }
  const text = await answer.text();
  if (answer.ok) return { said: String(answer.status), text };
  const { type = '' } = JSON.parse(text) as { readonly type?: string };
  return { said: `${answer.status} ${type.replace('urn:countersign:problem:', '')}`, text };
};

/** So many at a time: a case waits for the gateway most of its life. */
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
