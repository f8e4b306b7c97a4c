import { join } from 'node:path';
import * as z from 'zod/mini';
import { isLoopbackHost } from '../../protocol/egress-url.ts';
import { readText } from './atomic-file.ts';

const localKey = z.object({
  address: z.string().check(z.regex(/^0x[0-9a-fA-F]{40}$/)),
  privateKey: z.string().check(z.regex(/^0x[0-9a-f]{64}$/)),
});

/** Whether an origin is on this machine. */
export const isLoopback = (origin: string): boolean =>
  URL.canParse(origin) && isLoopbackHost(new URL(origin).hostname);

const schema = z.object({
  // A directory from an attacker may hold this file: it must not send the user's signatures or money to another host.
  gateway: z.string().check(z.refine(isLoopback)),
  audience: z.string(),
  rpc: z.string(),
  chainId: z.int(),
  facilitator: z.string(),
  upstream: z.string(),
  payTo: z.string(),
  operator: localKey,
  owner: localKey,
  agent: localKey,
  agents: z.array(localKey).check(z.maxLength(99)),
});

/** `.dev/stack.json`, which `npm start` writes. Its private keys are public: they are in the sources. */
export type LocalStack = z.output<typeof schema>;
export type LocalKey = z.output<typeof localKey>;

/** Reads `.dev/stack.json` below a directory; undefined if none is readable. */
export const readStack = async (directory: string): Promise<LocalStack | undefined> => {
  const text = await readText(join(directory, '.dev', 'stack.json')).catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
};

/** The key of `operator`, `owner`, `agent`, `agent1` …; undefined for any other name. */
export const localKeyNamed = (stack: LocalStack, name: string): LocalKey | undefined => {
  if (name === 'operator' || name === 'owner' || name === 'agent') return stack[name];
  const digits = /^agent([1-9][0-9]?)$/.exec(name)?.[1];
  return digits === undefined ? undefined : stack.agents[Number(digits) - 1];
};

/** Lower-case addresses of a stack and their names, as `localKeyNamed` takes them. */
export const localNames = (stack: LocalStack): ReadonlyMap<string, string> =>
  new Map([
    ...stack.agents.map(({ address }, at) => [address.toLowerCase(), `agent${at + 1}`] as const),
    ...(['agent', 'owner', 'operator'] as const).map(
      (role) => [stack[role].address.toLowerCase(), role] as const,
    ),
  ]);
