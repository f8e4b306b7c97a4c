import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, expect, vi } from 'vitest';
import { ROOT } from '../../../dev/root.ts';
import { CHAIN_ID, usdc, usdcAbi } from '../../../dev/stack/chain-access.ts';
import { type Gateway, startGateway } from '../../../dev/stack/gateway.ts';
import { people } from '../../../dev/stack/people.ts';
import { movingChecks } from '../../../src/cli/doctor/moving-checks.ts';
import type { Check } from '../../../src/cli/lib/checks.ts';
import { createManagement, type Management } from '../../../src/client/management.ts';
import { type Config, parseConfig } from '../../../src/config/config.ts';
import { workerOf } from '../../support/built-worker.ts';
import { worldAt } from './second-gateway.ts';
import { nowSeconds, type Payment } from './payment.ts';
import { useWorld, type World } from './world.ts';

export const SEPOLIA = `eip155:${CHAIN_ID}` as const;

type Variables = Readonly<Record<string, string>>;

/** A gateway that tests redeploy with other variables while its payments wait for a facilitator. */
export type House = {
  /** The world, through the newest deployment. */
  readonly now: () => World;
  /** Redeploys with these variables on the same state. */
  readonly deploy: (variables: Variables) => Promise<World>;
  /** Sets whether the facilitator settles. Initially it does. */
  readonly settling: (isOpen: boolean) => void;
  readonly management: () => Management;
  /** The checks of `doctor` for a change of payee or audience, in a project with these variables. */
  readonly doctor: (variables?: Variables) => Promise<readonly Check[]>;
  /** Redrives a payment, unless its account has already presented it. */
  readonly present: (payment: Payment) => Promise<void>;
  /** Runs the cron trigger. */
  readonly runScheduled: () => Promise<void>;
  /** The settled amount by payee in the audit database, in atomic units. */
  readonly ledger: () => Readonly<Record<string, bigint>>;
  /** The USDC balance of an address on the chain, in atomic units. */
  readonly balanceOf: (address: Hex) => Promise<bigint>;
  /** Moves all calls in the audit database this many seconds into the past, and restarts the gateway. */
  readonly pass: (seconds: number) => Promise<void>;
};

const TOOLS: unknown = JSON.parse(readFileSync(join(ROOT, 'tools.json'), 'utf8'));
const KEY = { kty: 'OKP', crv: 'Ed25519', x: 'x'.repeat(43), d: 'd'.repeat(43) };

const openBooks = ({ directory }: World): DatabaseSync => {
  const folder = join(directory, 'state/v3/d1/miniflare-D1DatabaseObject');
  const [file = ''] = readdirSync(folder).filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name));
  return new DatabaseSync(join(folder, file), { timeout: 30_000 });
};

export const useHouse = (): House => {
  let isOpen = true;
  const closed = () => Response.json({ error: 'closed' }, { status: 503 });
  const world = useWorld({
    wrapFacilitator: (real) => async (request) =>
      isOpen || new URL(request.url).pathname === '/supported' ? real(request) : closed(),
  });
  let deployed: { readonly gateway: Gateway; readonly world: World } | undefined;
  afterAll(async () => {
    await deployed?.gateway.stop();
  });
  const gatewayNow = (): Gateway => deployed?.gateway ?? world().stack.gateway;
  const environment = (variables: Variables): Variables => {
    const { rpc, facilitator, gateway, upstream } = world().stack.description;
    return {
      UPSTREAM_URL: upstream,
      AUDIENCES: gateway,
      PAY_TO: JSON.stringify({ [SEPOLIA]: people.payTo }),
      RPC_URLS: JSON.stringify({ [SEPOLIA]: [rpc] }),
      FACILITATORS: JSON.stringify([{ url: facilitator, concurrency: 186 }]),
      LOCAL_STACK: 'true',
      OPERATORS: people.operator.address,
      ...variables,
    };
  };
  const settingsOf = (variables: Variables): Config => {
    const all = { ...environment(variables), RECEIPT_KEY: JSON.stringify(KEY) };
    const parsed = parseConfig(all, TOOLS);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    return parsed.value;
  };
  const start = async (variables: Variables): Promise<World> => {
    const { rpc, facilitator, upstream, payTo } = world().stack.description;
    const { port } = world().stack.gateway;
    const gateway = await startGateway({
      ...{ port, persistTo: world().directory, rpc, payTo },
      ...{ facilitators: [facilitator], upstreamUrl: upstream, shield: 1_000_000 },
      variables: environment(variables),
      ...workerOf({}),
    });
    deployed = { gateway, world: worldAt(world(), gateway.url) };
    return deployed.world;
  };
  let last: Variables = {};
  const management = (): Management => {
    const { url } = gatewayNow();
    const audiences = last['AUDIENCES']?.split(',') ?? [url];
    return createManagement({
      gateway: url,
      audience: audiences.find((each) => each === url) ?? audiences[0] ?? url,
      // Always the local chain: the node of another network may not exist.
      chainId: CHAIN_ID,
      account: privateKeyToAccount(people.operator.privateKey),
    });
  };
  return {
    now: () => deployed?.world ?? world(),
    deploy: async (variables) => {
      last = variables;
      await gatewayNow().stop();
      return start(variables);
    },
    settling: (open) => {
      isOpen = open;
    },
    management,
    doctor: async (variables) =>
      movingChecks(
        management(),
        variables && settingsOf(variables),
        nowSeconds(),
        new AbortController().signal,
      ),
    present: async ({ payload: { authorization } }) => {
      const account = `${SEPOLIA}:${authorization.from.toLowerCase()}`;
      const params = { account, call: authorization.nonce };
      await management()
        .call('settlements.redrive', { params })
        .catch((error: unknown) => expect(error).toMatchObject({ code: 'refused' }));
    },
    runScheduled: async () => {
      const answer = await fetch(`${gatewayNow().url}/cdn-cgi/local/scheduled`);
      expect(await answer.text()).toBe('ok');
    },
    ledger: () => {
      const books = openBooks(world());
      const rows = books
        .prepare("SELECT payee, sum(amount) AS sum FROM calls WHERE payment = 'settled' GROUP BY 1")
        .all() as { readonly payee: string; readonly sum: number }[];
      books.close();
      return Object.fromEntries(rows.map(({ payee, sum }) => [payee, BigInt(sum)]));
    },
    balanceOf: async (address) =>
      world().client.readContract({
        ...{ address: usdc.address, abi: usdcAbi, functionName: 'balanceOf' },
        args: [address],
      }),
    pass: async (seconds) => {
      await gatewayNow().stop();
      const books = openBooks(world());
      books.prepare('UPDATE calls SET accepted_at = accepted_at - ?').run(seconds);
      books.close();
      await start(last);
    },
  };
};

/** Waits until `GET /admin/moving` reports this many open payments in total, and returns the report. */
export const openPayments = async (house: House, open: number) => {
  let found;
  await vi.waitFor(
    async () => {
      const { body } = await house.management().call('moving');
      const all = body.payees.reduce((sum, { open_payments: each }) => sum + each, 0);
      expect(all, JSON.stringify(body)).toBe(open);
      found = body;
    },
    { timeout: 30_000, interval: 200 },
  );
  return found as unknown as Awaited<ReturnType<Management['call']>>['body'];
};
