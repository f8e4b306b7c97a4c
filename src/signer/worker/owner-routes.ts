import { readStoredChunk } from '../../audit/read-chunk.ts';
import { nowSeconds } from '../../core/clock.ts';
import { problem } from '../../protocol/problem/problem.ts';
import type { Reason } from '../../protocol/problem/reason.ts';
import {
  type SIGNER_ANSWERS,
  SIGNER_BODIES,
  SIGNER_ROUTES,
  type SignerRouteId,
} from '../../protocol/signer/management.ts';
import { signerRpcPath } from '../../protocol/signer/rpc.ts';
import type * as z from 'zod/mini';
import type { SignerEnv } from '../env.ts';
import type { CommandChange, KeyringCommand } from '../keyring-contract.ts';
import { exposureOf } from '../policy.ts';
import type { SignerSettings } from '../settings.ts';
import { type CommandRoute, readCommand } from './owner-command.ts';
import { authenticateOwner } from './owner-request.ts';
import { objectOf } from '../../protocol/jurisdiction.ts';

const PAGE = 500;
const PREFIX = '/owners/:owner/';

/** The routes, by the last part of their path. */
const routesOf = (rest: string): readonly SignerRouteId[] =>
  (Object.keys(SIGNER_ROUTES) as SignerRouteId[]).filter(
    (id) => SIGNER_ROUTES[id].path === PREFIX + rest,
  );

/** Answers a request of an owner: `/owners/<account>/<rest>`. */
export const answerOwner = async (
  env: SignerEnv,
  settings: SignerSettings,
  request: Request,
  owner: string,
  rest: string,
): Promise<Response> => {
  const routes = routesOf(rest);
  const route = routes.find((id) => SIGNER_ROUTES[id].method === request.method);
  if (route === undefined) {
    const allow = routes.map((id) => SIGNER_ROUTES[id].method);
    return problem(
      allow.length === 0 ? { reason: 'not_found' } : { reason: 'method_not_allowed', allow },
    );
  }
  const authentic = await authenticateOwner(settings, request, route, owner, nowSeconds());
  if (!authentic.ok) return problem(authentic.error);
  const { intent, body } = authentic.value;
  const keyring = objectOf(env, env.KEYRING, owner);
  try {
    if (!isCommand(route)) return await list(env, owner, route, new URL(request.url));
    const command = await readCommand(route, body);
    if (!command.ok) return problem(command.error);
    const answer = await keyring.command(command.value, intent);
    return answer.verdict === 'done'
      ? reply(bodyOf(command.value, answer, settings.origin + signerRpcPath(owner)))
      : problem(answer.fault satisfies Reason);
  } catch (cause) {
    console.error({ event: 'keyring_failed', owner, route, cause: String(cause) });
    return problem({ reason: 'storage_unavailable' });
  }
};

const isCommand = (route: SignerRouteId): route is CommandRoute =>
  Object.hasOwn(SIGNER_BODIES, route);

type Answers = { readonly [Id in SignerRouteId]: z.output<(typeof SIGNER_ANSWERS)[Id]> };

/** The answer of a command in its wire form. */
const bodyOf = (
  command: KeyringCommand,
  { changed, entry, agents = [], fleet, backup }: CommandChange,
  url: string,
): Answers[CommandRoute] => {
  const done = { changed, ...(entry === undefined ? {} : { entry }) };
  switch (command.kind) {
    case 'enrol': {
      const { policy } = command;
      const exposure = { each: exposureOf(policy), all: exposureOf(policy, agents.length) };
      return { ...done, agents: [...agents], url, exposure } satisfies Answers['agents.enrol'];
    }
    case 'policy':
      return {
        ...done,
        exposure: { each: exposureOf(command.policy) },
      } satisfies Answers['agents.policy'];
    case 'revoke':
      return {
        ...done,
        agents: agents.map(({ agent }) => agent),
      } satisfies Answers['agents.revoke'];
    case 'rotate':
      return { ...done, agent: agents[0] as Answers['agents.rotate']['agent'] };
    case 'seed':
      return {
        ...done,
        fleet: fleet?.fleet ?? 0,
        children: fleet?.children ?? 0,
      } satisfies Answers['seed.make'];
    case 'backup':
      return { ...done, backup: backup ?? '' } satisfies Answers['seed.backup'];
  }
};

const CURSOR = /^(0|[1-9][0-9]{0,15})$/;

/** A page of agents, or of entries: from the object while it stores them, otherwise from D1. */
const list = async (
  env: SignerEnv,
  owner: string,
  route: Exclude<SignerRouteId, CommandRoute>,
  { searchParams }: URL,
): Promise<Response> => {
  const after = searchParams.get('after') ?? '0';
  const isKnown = [...searchParams.keys()].every((name) => name === 'after');
  if (!CURSOR.test(after) || !isKnown) {
    return problem({
      reason: 'malformed_request',
      field: 'query.after',
      hint: 'must be the `next` of the previous page, and the only parameter',
    });
  }
  const keyring = objectOf(env, env.KEYRING, owner);
  if (route === 'agents.list') {
    const agents = await keyring.agents(Number(after), PAGE);
    const last = agents.at(-1)?.number;
    const next = agents.length === PAGE && last !== undefined ? { next: last.toString() } : {};
    return reply({ items: agents.map(({ number: _, ...agent }) => agent), ...next });
  }
  const { entries, exported } = await keyring.entries(Number(after), PAGE);
  const items =
    entries.length === 0 && Number(after) < exported
      ? await exportedEntries(env, owner, Number(after))
      : entries;
  const last = items.at(-1)?.seq;
  return reply({ items, ...(last === undefined ? {} : { next: last.toString() }) });
};

/** Entries that only D1 has, after a seq. A chunk holds at most 2,000 of them. */
const exportedEntries = async ({ AUDIT_DB }: SignerEnv, owner: string, after: number) => {
  const row = await AUDIT_DB.prepare(
    'SELECT body FROM chunks WHERE account = ?1 AND last_seq > ?2 ORDER BY first_seq LIMIT 1',
  )
    .bind(owner, after)
    .first<{ readonly body: ArrayBuffer | readonly number[] }>();
  if (row === null) return [];
  const entries = await readStoredChunk(new Uint8Array(row.body as ArrayBuffer));
  return entries.filter(({ seq }) => seq > after);
};

const reply = (body: unknown): Response =>
  new Response(JSON.stringify(body), {
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'private, no-store' },
  });
