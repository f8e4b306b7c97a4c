import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

/** A network that the gateway takes payments on, as `/.well-known/agent-intent` names it. */
export type GatewayNetwork = { readonly network: string; readonly chainId: number };

const networks = signal<readonly GatewayNetwork[] | undefined>(undefined);

const CHAIN = /^eip155:([1-9][0-9]{0,15})$/;

const readNetworks = async (): Promise<void> => {
  const answer = await fetch('/.well-known/agent-intent', { redirect: 'manual' });
  const { networks: listed } = (await answer.json()) as {
    readonly networks?: readonly { readonly network?: unknown }[];
  };
  networks.value = (listed ?? []).flatMap(({ network }) => {
    const chain = typeof network === 'string' ? CHAIN.exec(network)?.[1] : undefined;
    return chain === undefined ? [] : [{ network: String(network), chainId: Number(chain) }];
  });
};

/** The networks of the gateway, its default first; undefined until they are known. */
export const useNetworks = (): readonly GatewayNetwork[] | undefined => {
  useEffect(() => {
    if (networks.value === undefined) void readNetworks().catch(() => undefined);
  }, []);
  return networks.value;
};
