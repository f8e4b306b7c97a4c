import type { AgentAccount } from '../../../durable-objects/account/agent-account.ts';
import type { Call, Evidence } from '../../../src/protocol/account/call.ts';
import { accountId, assetId } from '../../../src/protocol/account-id.ts';
import { type Hex, random16 } from '../../../src/core/hex.ts';
import { nowSeconds } from '../../../src/core/clock.ts';

/** The binding for RPCs to the accounts. */
type Accounts = { readonly AGENT_ACCOUNT: DurableObjectNamespace<AgentAccount> };

/**
 * Makes payers trusted without a chain: reserves, settles and finishes one upfront payment of each, with the gateway's RPCs. Later calls
 * are deferred and run at once (law 7), and the facts about a payer stay fresh for ten minutes.
 */
type Seed = { readonly payers: readonly Hex[]; readonly payTo: Hex };

const token = {
  network: 'eip155:84532',
  address: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
  name: 'USDC',
  version: '2',
} as const;
const asset = assetId(token.network, token.address);
/** Settled amount in atomic units: a million dollars covers every call of the bench. */
const SETTLED = 1_000_000_000_000n;
const BLOCK = 10;

const callOf = (payer: Hex, payTo: Hex): Call => {
  const nonce: Hex = `${random16()}${random16().slice(2)}`;
  const validBefore = nowSeconds() + 3_600;
  return {
    account: accountId(token.network, payer),
    id: nonce,
    request: `0x${'11'.repeat(32)}`,
    tool: 'lookup',
    proof: 'x402',
    binding: 'none',
    settlement: 'upfront',
    onSilence: 'release',
    timeoutSeconds: 10,
    asset,
    payTo,
    price: SETTLED,
    validBefore,
    execute: true,
    payment: {
      token,
      signature: `0x${'33'.repeat(65)}`,
      maxTimeoutSeconds: 3_600,
      authorization: {
        from: payer,
        to: payTo,
        value: SETTLED,
        validAfter: 0n,
        validBefore: BigInt(validBefore),
        nonce,
      },
    },
  };
};

const trust = async (env: Accounts, payer: Hex, payTo: Hex): Promise<void> => {
  const call = callOf(payer, payTo);
  const stub = env.AGENT_ACCOUNT.getByName(call.account);
  const attempt = random16();
  const balance = SETTLED * 1_000n;
  const facts = { hasCode: false, balance, asset, block: BLOCK, nonceUsed: false };
  const reserve = async (evidence: Evidence, expected: string): Promise<void> => {
    const { verdict, ...rest } = await stub.reserve(call, attempt, evidence);
    if (verdict !== expected)
      throw new Error(`${payer} received ${verdict}: ${JSON.stringify(rest)}`);
  };
  await reserve({ facts: { ...facts, at: nowSeconds() } }, 'settle');
  const settlement = { outcome: 'settled', transaction: `0x${'ab'.repeat(32)}`, block: BLOCK };
  await reserve({ settlement: settlement as Evidence['settlement'] & object }, 'go');
  await stub.finish(call.id, attempt, {
    success: true,
    status: 200,
    digest: `0x${'22'.repeat(32)}`,
    reason: 'answered',
  });
};

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (url.pathname === '/snapshot') {
      const account = accountId(token.network, url.searchParams.get('payer') as Hex);
      const snapshot = await env.AGENT_ACCOUNT.getByName(account).snapshot();
      const text = JSON.stringify(snapshot, (_, value: unknown) =>
        typeof value === 'bigint' ? value.toString() : value,
      );
      return new Response(text);
    }
    const { payers, payTo } = await request.json<Seed>();
    await Promise.all(payers.map((payer) => trust(env, payer, payTo)));
    return Response.json({ payers: payers.length });
  },
} satisfies ExportedHandler<Accounts>;
