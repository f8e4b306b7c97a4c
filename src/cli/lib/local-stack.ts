import { join } from 'node:path';
import * as z from 'zod/mini';
import { isLoopbackHost } from '../../protocol/egress-url.ts';
import { readText } from './atomic-file.ts';

const person = z.object({
  address: z.string().check(z.regex(/^0x[0-9a-fA-F]{40}$/)),
  privateKey: z.string().check(z.regex(/^0x[0-9a-f]{64}$/)),
});

/** Whether an origin is on this machine. */
export const isLoopback = (origin: string): boolean =>
  URL.canParse(origin) && isLoopbackHost(new URL(origin).hostname);

const schema = z.object({
  // The file comes with a directory that somebody else may have made: it must not send a key of ours, or money, anywhere else.
  gateway: z.string().check(z.refine(isLoopback)),
  audience: z.string(),
  rpc: z.string(),
  chainId: z.int(),
  facilitator: z.string(),
  upstream: z.string(),
  payTo: z.string(),
  operator: person,
  owner: person,
  agent: person,
  agents: z.array(person).check(z.maxLength(99)),
});

/** What `npm start` writes of a local stack (design §10). Its keys are known to everybody and hold nothing elsewhere. */
export type LocalStack = z.output<typeof schema>;
export type LocalPerson = z.output<typeof person>;

/** `.dev/stack.json` below a directory; undefined where there is none that can be read. */
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

/** `operator`, `owner`, `agent`, `agent1` …; undefined for anybody else. */
export const personOf = (stack: LocalStack, name: string): LocalPerson | undefined => {
  if (name === 'operator' || name === 'owner' || name === 'agent') return stack[name];
  const digits = /^agent([1-9][0-9]?)$/.exec(name)?.[1];
  return digits === undefined ? undefined : stack.agents[Number(digits) - 1];
};

/** The name of an address, as `personOf` takes it. */
export const nameOfPerson = (stack: LocalStack, address: string): string | undefined => {
  const isOf = (each: LocalPerson): boolean => each.address.toLowerCase() === address.toLowerCase();
  const role = (['operator', 'owner', 'agent'] as const).find((each) => isOf(stack[each]));
  const at = stack.agents.findIndex(isOf);
  return role ?? (at < 0 ? undefined : `agent${at + 1}`);
};
