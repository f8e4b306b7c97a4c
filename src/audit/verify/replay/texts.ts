import type { Hex } from '../../../core/hex.ts';
import { compileDelegation } from '../../../policy/grant.ts';
import { parsePolicy, type Policy } from '../../../policy/policy.ts';
import type { Network } from '../../../protocol/account-id.ts';
import type { AgentDelegation } from '../../../protocol/intent/agent-delegation.ts';
import type { Documents } from '../check.ts';
import { objectOf, textOf } from './members.ts';

/**
 * The policies and grants that entries name by hash. Each is parsed once. `undefined`: the files do not have the text, or the text is
 * neither.
 */
export type Texts = {
  readonly policy: (hash: Hex) => Policy | undefined;
  readonly delegation: (hash: Hex) => AgentDelegation | undefined;
  /** A grant as a policy. Its asset is a token of the network that its holder is on. */
  readonly compiled: (hash: Hex, on: Network) => Policy | undefined;
};

export const openTexts = (documents: Documents): Texts => {
  const delegation = remembered((hash) => delegationOf(documents.get(hash as Hex)));
  const compiled = remembered((key) => {
    const [hash = '', on = ''] = key.split(' ');
    const grant = delegation(hash);
    return grant && compileDelegation(grant, on as Network);
  });
  return {
    policy: remembered((hash) => {
      const parsed = parsePolicy(documents.get(hash as Hex));
      return parsed.ok ? parsed.value : undefined;
    }),
    delegation,
    compiled: (hash, on) => compiled(`${hash} ${on}`),
  };
};

const remembered = <T>(read: (key: string) => T): ((key: string) => T) => {
  const known = new Map<string, T>();
  return (key) => {
    if (!known.has(key)) known.set(key, read(key));
    return known.get(key) as T;
  };
};

const INTEGERS = [
  'maxPerCall',
  'maxTotal',
  'windowSeconds',
  'maxPerWindow',
  'validAfter',
  'validUntil',
  'epoch',
] as const;

/** Reads a delegation. Its form was checked when its digest was recomputed (`Documents`). */
const delegationOf = (text: unknown): AgentDelegation | undefined => {
  const fields = objectOf(text as never);
  if (fields === undefined) return undefined;
  const isWhole =
    INTEGERS.every((name) => /^[0-9]{1,78}$/.test(textOf(fields[name]) ?? '')) &&
    Array.isArray(fields['tools']) &&
    Array.isArray(fields['payees']);
  if (!isWhole) return undefined;
  const numbers = Object.fromEntries(
    INTEGERS.map((name) => [name, BigInt(textOf(fields[name]) ?? '')]),
  );
  return { ...fields, ...numbers } as unknown as AgentDelegation;
};
