import type { ReserveVerdict } from '../../../src/protocol/account/call-verdict.ts';
import type { Evidence, GrantProof } from '../../../src/protocol/account/call.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { observe } from './fixture.ts';
import { ENTRY, KEY_ACCOUNT, type Node, POLICY } from './scripted.ts';
import { intentFor, intentHeader, paying, signIntent, translate, vectorConfig } from './signing.ts';

export const declaring = {
  ...translate,
  id: 'declaring',
  path: '/tools/declaring',
  params: { to: { pointer: '/to' } },
};
export const config = vectorConfig([translate, declaring]);
export const GRANT: Hex = `0x${'9a'.repeat(32)}`;
export const MAGIC = `0x1626ba7e${'0'.repeat(56)}`;
export const ZERO = `0x${'0'.repeat(64)}`;

export const requestOf = (path: string, headers: Record<string, string> = {}, body?: string) =>
  new Request(`https://gw.example${path}`, {
    method: 'POST',
    headers: body === undefined ? headers : { ...headers, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body }),
  });

export const signed = async (
  fields: Partial<AgentIntent> = {},
  path = '/tools/translate',
  body?: string,
) => {
  const seen = await observe(requestOf(path, {}, body), config);
  if (!seen.ok) throw new Error(seen.error.reason);
  const intent = intentFor(seen.value.received, { ...paying(20_000n), ...fields });
  return requestOf(path, intentHeader(await signIntent(intent)), body);
};
export const bodyOf = (response: Response) => response.json<Record<string, unknown>>();

export const proof = (byte: string): GrantProof => ({
  hash: `0x${byte.repeat(32)}`,
  issuer: `0x${byte.repeat(20)}`,
  signature: `0x${byte.repeat(70)}`,
});

/** A node on which these issuers are contracts that accept their signatures. */
export const contracts = (issuers: readonly string[]): Node => ({
  ...KEY_ACCOUNT,
  eth_call: ([{ to, data }]: [{ to: string; data: string }]) =>
    data.startsWith('0x1626ba7e') && issuers.includes(to) ? MAGIC : ZERO,
});

export const GO: ReserveVerdict = {
  verdict: 'go',
  entry: ENTRY,
  policy: POLICY,
  charged: 20_000n,
  paidFrom: 'credit',
  limits: [],
};

/** An account that requests the verification of these grants. */
export const wanting =
  (proofs: readonly GrantProof[]) =>
  async (_call: unknown, _attempt: unknown, { grants }: Evidence): Promise<ReserveVerdict> =>
    grants === undefined ? { verdict: 'stale_grant', proofs } : GO;
