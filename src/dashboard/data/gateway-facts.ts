import { isObject } from '../../core/json-object.ts';

/** What the gateway says of itself at `/.well-known/agent-intent`, as far as pages need it. */
export type GatewayFacts = {
  /** The account whose log holds tools, webhooks and secrets (docs/management.md). */
  readonly account: string;
  readonly payees: readonly { readonly network: string; readonly payTo: string }[];
};

/** @throws Error if the gateway does not answer as one */
export const readGatewayFacts = async (signal: AbortSignal): Promise<GatewayFacts> => {
  const answer = await fetch('/.well-known/agent-intent', { redirect: 'manual', signal });
  const facts: unknown = await answer.json();
  if (!isObject(facts)) throw new Error('The gateway did not describe itself.');
  const networks = Array.isArray(facts['networks'])
    ? (facts['networks'] as readonly unknown[])
    : [];
  return {
    account: String(facts['gateway_account']),
    payees: networks
      .filter(isObject)
      .map((each) => ({ network: String(each['network']), payTo: String(each['pay_to']) })),
  };
};
