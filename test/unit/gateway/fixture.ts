import { readMeter } from '../../../src/catalog/metered-price.ts';
import { catalogueOf } from '../../../src/catalog/catalogue.ts';
import { OPEN_SCHEMA } from '../../../src/catalog/input-schema.ts';
import type { LiveCatalogue } from '../../../src/catalog/live-catalogue.ts';
import { routesOf } from '../../../src/catalog/route.ts';
import type { Tool } from '../../../src/catalog/tool.ts';
import type { Config } from '../../../src/config/config.ts';
import { ok } from '../../../src/core/result.ts';
import { observeHead } from '../../../src/gateway/observe.ts';
import * as gateway from '../../../src/gateway/observe.ts';
import { BUILT_IN_POLICY } from '../../../src/policy/policy.ts';

export const AUDIENCE = 'https://gw.example';

export const toolOf = (changes: Partial<Tool> = {}): Tool => ({
  id: 'echo',
  method: '*',
  path: '/tools/echo/*',
  description: 'Says what it heard.',
  mimeType: 'application/json',
  price: 1_000n,
  pricing: 'exact',
  settlement: 'deferred',
  onSilence: 'release',
  upstream: '/echo',
  timeoutSeconds: 10,
  maxBodyBytes: 1_024,
  requestHeaders: [],
  assertion: true,
  requireBinding: 'none',
  params: {},
  secrets: [],
  bazaar: false,
  inputSchema: OPEN_SCHEMA,
  arguments: {},
  disabled: false,
  ...changes,
});

export const configOf = (tools: readonly Tool[] = [toolOf()]): Config => ({
  audiences: [AUDIENCE, 'https://second.example'],
  networks: ['eip155:84532'],
  payTo: new Map([['eip155:84532', '0x1111111111111111111111111111111111111111']]),
  payees: new Map([['eip155:84532', ['0x1111111111111111111111111111111111111111']]]),
  gateway: undefined,
  rpcUrls: new Map([['eip155:84532', ['https://rpc.example']]]),
  facilitators: [{ url: 'https://facilitator.example', auth: 'none', concurrency: 4, fee: 0n }],
  facilitates: new Map(),
  relayers: new Map(),
  relayerKeys: [],
  cdpKey: undefined,
  jurisdiction: 'none',
  upstreamUrl: 'https://api.example',
  passthrough: undefined,
  traceUrl: undefined,
  reach: 'public',
  services: [],
  paused: false,
  mcpTools: 'auto',
  policy: BUILT_IN_POLICY,
  confirmations: 1,
  reconcileDepth: 64,
  reconcileDays: 3,
  commandBytes: 4_194_304,
  databaseMax: 10_000_000_000,
  retainDays: 90,
  operators: [],
  receiptKey: '',
  formerReceiptKeys: [],
  tools,
});

/** Observes head and body of a request, with the tools of a configuration. */
export const observe = async (request: Request, config: Config) => {
  const read = observeHead(request, config, routesOf(config.tools));
  if (!read.ok) return read;
  const { head, tool } = read.value;
  const observed = await gateway.observeBody(request, tool, head);
  return observed.ok ? ok({ tool, received: observed.value }) : observed;
};

/** A catalogue that does not change. */
export const soldBy = ({ tools, upstreamUrl, reach, services }: Config): LiveCatalogue => {
  const deployed = { tools, documents: [], upstreamUrl, reach, services };
  const sold = catalogueOf(deployed, new Map(), readMeter);
  return {
    current: async () => sold,
    fresh: async () => ok(sold),
    textsOf: () => ({}),
    publish: () => undefined,
  };
};
