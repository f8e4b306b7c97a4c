import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../root.ts';
import { type CardServices, setUpCards, startCardServices } from './cards.ts';
import type { Chain } from './chain.ts';
import { describeStack } from './description.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { setUpMarket } from './market.ts';
import { people } from './people.ts';
import { freePort, type Handler, LOOPBACK, portTaken, type RunningServer } from './loopback.ts';
import { newParts, type Parts } from './parts.ts';
import {
  newRunDirectory,
  removeStackFile,
  type StackDescription,
  writeStackFile,
} from './stack-directory.ts';
import { startSettlement } from './settlement.ts';
import { readTools, TOOLS_FILE } from './tools.ts';
import { type DemoMarket, openDemoMarket } from '../upstream/market.ts';
import { startUpstream, type Upstream } from '../upstream/upstream.ts';

const STACK_DIRECTORY = join(ROOT, '.dev');

/** The keys that the dashboard offers as a wallet. Anyone may know them. */
const localKeys = JSON.stringify(
  (['operator', 'owner'] as const).map((name) => ({ name, privateKey: people[name].privateKey })),
);

/** URLs of the other parts, as the gateway is configured with them. */
export type Wiring = {
  readonly rpc: string;
  readonly facilitators: readonly string[];
  readonly upstream: string;
};

export type StackOptions = {
  /** Port of the gateway; a free one by default. */
  readonly port?: number;
  /** Seconds between blocks; by default each transaction gets a block. */
  readonly blockTime?: number;
  /** Directory of the gateway's state, which outlives the stack. By default a new directory, which `stop` removes unless a part crashed. */
  readonly persistTo?: string;
  /** Path of the description; by default `.dev/stack.json`, unless another running stack uses it. */
  readonly file?: string;
  /** Variables of the gateway, e.g. `DEFAULT_POLICY`. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Requests per ten seconds and client that the rate limit lets through. */
  readonly shield?: number;
  /** Main module of the Worker, as in `GatewayOptions`. */
  readonly entry?: string;
  /** Absolute path of the tools to sell, `tools.json` by default. */
  readonly toolsFile?: string;
  /** Intercepts requests from the gateway to the facilitator, in this process. */
  readonly wrapFacilitator?: (real: Handler) => Handler;
  /** Runs a fake card issuer, a fake card vault and a demo merchant, and sells tools that pay by card. */
  readonly cards?: boolean;
  /** Runs a market data service that demands a credential, and sells a tool whose credential is in the vault. */
  readonly market?: boolean;
  /** Inserts proxies between the gateway and the other parts: maps the real URLs to those that the gateway uses, and may add variables. */
  readonly wire?: (
    real: Wiring,
  ) => Promise<Wiring & { readonly variables?: Readonly<Record<string, string>> }>;
  /** Called when the gateway runs again after a crash. Without it the first crash ends the stack. */
  readonly onRevived?: (message: string) => void;
  /** Called when a part has started. */
  readonly onProgress?: (part: string, where: string, milliseconds: number) => void;
};

/** A running stack. */
export type Stack = {
  readonly description: StackDescription;
  /** Path of the file that holds the description. */
  readonly file: string;
  readonly chain: Chain;
  readonly facilitator: RunningServer;
  readonly upstream: Upstream;
  readonly gateway: Gateway;
  readonly cards: CardServices | undefined;
  readonly market: DemoMarket | undefined;
  /** Resolves with a message when a part crashed and the others are stopped. Never rejects. */
  readonly crashed: Promise<string>;
  /** Whether a part crashed; the others may still be stopping. */
  readonly hasCrashed: () => boolean;
  readonly stop: () => Promise<void>;
};

const boot = async (
  options: StackOptions,
  parts: Parts,
): Promise<Omit<Stack, 'crashed' | 'hasCrashed' | 'stop'>> => {
  const tools = await readTools(options.toolsFile ?? TOOLS_FILE);
  if (options.port !== undefined && (await portTaken(options.port)))
    throw new Error(`port ${options.port} is taken`);
  const port = options.port ?? (await freePort());

  const { persistTo } = options;
  const { chain, facilitator } = await startSettlement(parts, options);
  const cards =
    options.cards === true
      ? await startCardServices(parts, `http://${LOOPBACK}:${port}`)
      : undefined;
  const market = options.market === true ? openDemoMarket() : undefined;
  const upstream = await parts.start(
    'upstream',
    ({ url }) => url,
    async () =>
      await startUpstream({
        gateway: `http://${LOOPBACK}:${port}`,
        ...(cards === undefined ? {} : { shop: cards.merchant.handle }),
        ...(market === undefined ? {} : { market: market.handle }),
      }),
  );
  const real = { rpc: chain.rpc, facilitators: [facilitator.url], upstream: upstream.url };
  const wiring = (await options.wire?.(real)) ?? { ...real, variables: {} };
  const directory = persistTo ?? (await newRunDirectory(STACK_DIRECTORY));
  let output = () => '';
  const gateway = await parts.start(
    'gateway',
    ({ url }) => url,
    async () =>
      await startGateway({
        port,
        persistTo: directory,
        rpc: wiring.rpc,
        facilitators: wiring.facilitators,
        upstreamUrl: wiring.upstream,
        payTo: people.payTo,
        onCrash: (exit) => parts.onCrash('the gateway', output)(exit),
        ...(options.onRevived === undefined ? {} : { onRevived: options.onRevived }),
        variables: {
          OPERATORS: people.operator.address,
          LOCAL_KEYS: localKeys,
          ...(cards === undefined && market === undefined
            ? {}
            : { VAULT_KEY: randomBytes(32).toString('base64') }),
          ...cards?.variables,
          ...wiring.variables,
          ...options.variables,
        },
        ...(options.shield === undefined ? {} : { shield: options.shield }),
        ...(options.entry === undefined ? {} : { entry: options.entry }),
        ...(options.toolsFile === undefined ? {} : { toolsFile: options.toolsFile }),
      }),
  );
  output = gateway.output;
  if (cards !== undefined) await setUpCards(cards, gateway);
  if (market !== undefined) await setUpMarket(market, wiring.upstream, gateway);
  const description = describeStack(
    {
      gateway: gateway.url,
      audience: gateway.audience,
      rpc: chain.rpc,
      facilitator: facilitator.url,
      upstream: upstream.url,
    },
    tools,
  );
  const file = await writeStackFile(description, options.file, STACK_DIRECTORY);
  parts.atEnd(async () => await removeStackFile(file, gateway.url));
  if (persistTo === undefined)
    parts.atCleanEnd(async () => await rm(directory, { recursive: true, force: true }));
  return { description, file, chain, facilitator, upstream, gateway, cards, market };
};

/**
 * Starts chain, facilitator, upstream and gateway, and writes their description. All processes end with this one.
 *
 * @throws Error when a part does not start, after the others are stopped.
 */
export const startStack = async (options: StackOptions = {}): Promise<Stack> => {
  const parts = newParts(options.onProgress);
  try {
    const started = await boot(options, parts);
    const { crashed, hasCrashed, end: stop } = parts;
    return { ...started, crashed, hasCrashed, stop };
  } catch (error) {
    await parts.end();
    throw error;
  }
};
