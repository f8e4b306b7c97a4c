import type { Tool } from '../../../src/catalog/tool.ts';
import type { Config } from '../../../src/config.ts';
import { BUILT_IN_POLICY } from '../../../src/policy/schema.ts';

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
  requireBinding: 'none',
  params: {},
  ...changes,
});

export const configOf = (tools: readonly Tool[] = [toolOf()]): Config => ({
  audiences: [AUDIENCE, 'https://second.example'],
  networks: ['eip155:84532'],
  payTo: new Map([['eip155:84532', '0x1111111111111111111111111111111111111111']]),
  rpcUrls: new Map([['eip155:84532', ['https://rpc.example']]]),
  facilitators: [{ url: 'https://facilitator.example' }],
  upstreamUrl: 'https://api.example',
  paused: false,
  policy: BUILT_IN_POLICY,
  confirmations: 1,
  operators: [],
  receiptKey: '',
  tools,
});
