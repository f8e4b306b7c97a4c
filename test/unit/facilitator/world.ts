import { applyD1Migrations, env } from 'cloudflare:test';
import type { PrivateKeyAccount } from 'viem/accounts';
import { usdc } from '../../../dev/stack/chain-access.ts';
import type { Address } from '../../../src/core/hex.ts';
import { facilitate } from '../../../src/facilitator/facilitate.ts';
import { settle } from '../../../src/facilitator/settle.ts';
import type { Authorization, Payment } from '../../../src/protocol/payment.ts';
import type { Relay, Relayed } from '../../../src/protocol/relayer-contract.ts';
import { openBackends } from '../../../src/settlement/backends/registry.ts';
import { configOf } from '../gateway/fixture.ts';
import { scriptedGateway } from '../gateway/scripted.ts';
import { rpc, signPayment } from '../settlement/real-chain.ts';

const { TEST_MIGRATIONS } = env as unknown as {
  readonly TEST_MIGRATIONS: Parameters<typeof applyD1Migrations>[1];
};

export const SELLER: Address = `0x${'5e'.repeat(20)}`;
export const RELAYER_ADDRESS: Address = `0x${'4e'.repeat(20)}`;

export const CONFIG = {
  ...configOf(),
  rpcUrls: new Map([[usdc.network, [rpc]]] as const),
  facilitates: new Map([[usdc.network, [SELLER]]]),
  relayers: new Map([
    [
      usdc.network,
      {
        addresses: [RELAYER_ADDRESS] as const,
        batch: 100,
        wait: 2,
        maxFeePerGas: 1n,
        first: false,
      },
    ],
  ]),
};

/** A payment to the seller, above the smallest allowed amount. */
export const signForSeller = async (
  account: PrivateKeyAccount,
  changes: Partial<Omit<Authorization, 'from'>> = {},
): Promise<Payment> => signPayment(account, { to: SELLER, value: 2_000n, ...changes });

/** The requirements of the seller's server (x402 v2). `changes` override them. */
export const requirementFor = ({ authorization }: Payment, changes: object = {}) => ({
  scheme: 'exact',
  network: usdc.network,
  amount: authorization.value.toString(),
  asset: usdc.address,
  payTo: authorization.to,
  maxTimeoutSeconds: 300,
  extra: { name: usdc.name, version: usdc.version },
  ...changes,
});

/** The body that the server sends. `changes` override its requirements. */
export const bodyFor = (
  { authorization, signature, ...payment }: Payment,
  changes: object = {},
) => {
  const requirements = requirementFor({ authorization, signature, ...payment }, changes);
  return {
    x402Version: 2,
    paymentPayload: {
      x402Version: 2,
      accepted: requirements,
      payload: {
        signature,
        authorization: {
          ...authorization,
          value: authorization.value.toString(),
          validAfter: authorization.validAfter.toString(),
          validBefore: authorization.validBefore.toString(),
        },
      },
    },
    paymentRequirements: requirements,
  };
};

type Relayer = (relays: readonly Relay[]) => Promise<readonly Relayed[]>;

/** A facilitator with a scripted relayer and the test run's chain. Records what the relayer received and what was rate-limited. */
export const openFacilitator = async (
  relay: Relayer = async () => [],
  changes: Partial<typeof CONFIG> = {},
) => {
  const config = { ...CONFIG, ...changes };
  const { gateway, rateLimited, observed } = await scriptedGateway(config);
  const relayed: Relay[] = [];
  const kept: Promise<unknown>[] = [];
  const backends = openBackends(config, {
    relayer: () => ({
      relay: async (relays) => {
        relayed.push(...relays);
        return relay(relays);
      },
    }),
    emit: () => undefined,
  });
  const limits = { rateLimit: gateway.rateLimit };
  await applyD1Migrations(env.AUDIT_DB, TEST_MIGRATIONS);
  // Read the limits late, because tests change them after they have opened the facilitator.
  const waitUntil = (promise: Promise<unknown>) => void kept.push(promise);
  const facilitator = () => ({ ...gateway, ...limits, backends, waitUntil, db: env.AUDIT_DB });
  const send = async (action: string, body?: unknown, init: RequestInit = {}) => {
    const answer = await facilitate(
      facilitator(),
      new Request(`https://gw.example/facilitator/${action}`, {
        ...(body === undefined
          ? {}
          : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }),
        ...init,
      }),
    );
    return { status: answer.status, headers: answer.headers, json: await answer.json<object>() };
  };
  const settleWith = async (waitMs: number, body: unknown) => {
    const init = { method: 'POST', body: JSON.stringify(body) };
    const request = new Request('https://gw.example/facilitator/settle', init);
    return (await settle(facilitator(), request, waitMs)).json<object>();
  };
  return { send, settleWith, relayed, kept, rateLimited, observed, limits };
};

/** Answers every payment with the same verdict. */
export const always =
  (verdict: Relayed['verdict']): Relayer =>
  async (relays) =>
    relays.map(({ call }) => ({ call, verdict }));
