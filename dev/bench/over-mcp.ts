import { getRequest, openConnection, postRequest } from './connection.ts';
import { type GatewaySubject, startGateway } from './gateway-subject.ts';
import { deal, type Figures, figuresOf, type Measured, mustAllBe, run } from './load.ts';
import { agents, type BenchAgent, type Offer, vanillaPayment } from './signing.ts';
import { type Bench, offerOf, TARGET, type Upstream } from './subject.ts';

/** Cost of the same paid calls over one protocol, one call at a time. */
export type OverMcp = { readonly protocol: string; readonly figures: Figures };

const AGENTS = 100;
const WARM_UP = 400;
const CALLS = 200;
const BLOCKS = 3;

const VERSION = '2026-07-28';
const ACCEPT = { Accept: 'application/json, text/event-stream' };
const MODERN = {
  'MCP-Protocol-Version': VERSION,
  'Mcp-Method': 'tools/call',
  'Mcp-Name': 'lookup',
};

const bodyOf = (payment: string, meta: object): string =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: {
      name: 'lookup',
      arguments: { word: 'signature' },
      _meta: { ...meta, 'x402/payment': JSON.parse(Buffer.from(payment, 'base64').toString()) },
    },
  });

/** The same call, over HTTP and over both versions of MCP. */
const PROTOCOLS: Readonly<Record<string, (port: number, payment: string) => Buffer>> = {
  HTTP: (port, payment) => getRequest(port, TARGET, { 'PAYMENT-SIGNATURE': payment }),
  'MCP 2025-11-25': (port, payment) => postRequest(port, '/mcp', ACCEPT, bodyOf(payment, {})),
  'MCP 2026-07-28': (port, payment) =>
    postRequest(
      port,
      '/mcp',
      { ...ACCEPT, ...MODERN },
      bodyOf(payment, {
        'io.modelcontextprotocol/protocolVersion': VERSION,
        'io.modelcontextprotocol/clientCapabilities': {},
      }),
    ),
};

/** Checks one answer of each protocol: over MCP the gateway also rejects a payment with status 200. */
const mustRun = async (gateway: GatewaySubject, protocol: string, request: Buffer) => {
  const connection = await openConnection(gateway.port);
  const { status, head, body } = await connection.send(request);
  connection.close();
  if (status !== 200 || body.includes('"isError"') || body.includes('"error"')) {
    throw new Error(`${protocol}: ${head}\n${body}`);
  }
};

/** Describes the cost over each protocol in one sentence. */
export const overMcpLine = (all: readonly OverMcp[]): string =>
  `The same paid call, one at a time: ${all
    .map(
      ({ protocol, figures: { cpuPerRequest, p50, p99 } }) =>
        `${protocol} ${cpuPerRequest.median.toFixed(0)} µs of CPU, p50 ${p50.median.toFixed(2)} ms, p99 ${p99.median.toFixed(2)} ms`,
    )
    .join('; ')}.`;

/** Measures paid calls over HTTP and over MCP, in alternating blocks of one process. */
export const measureOverMcp = async (
  bench: Bench,
  upstream: Upstream,
): Promise<readonly OverMcp[]> => {
  const gateway = await startGateway(bench, upstream);
  try {
    const payers = agents(AGENTS);
    await gateway.seed(payers);
    const offer = await offerOf(gateway);
    const send = async (protocol: string, count: number): Promise<Measured> => {
      const lanes = deal(made(protocol, gateway.port, payers, offer, count), AGENTS, 1);
      return mustAllBe(await run(gateway.port, lanes, gateway), 200, protocol);
    };
    const names = Object.keys(PROTOCOLS);
    for (const name of names) {
      const [first] = made(name, gateway.port, payers, offer, 1);
      if (first !== undefined) await mustRun(gateway, name, first);
      await send(name, WARM_UP);
    }
    const blocks = new Map(names.map((name): [string, Measured[]] => [name, []]));
    for (let block = 0; block < BLOCKS; block += 1) {
      for (const [name, measured] of blocks) measured.push(await send(name, CALLS));
    }
    return [...blocks].map(([protocol, all]) => ({ protocol, figures: figuresOf(all) }));
  } catch (cause) {
    throw new Error(`over MCP: ${gateway.output()}`, { cause });
  } finally {
    await gateway.stop();
  }
};

const made = (
  protocol: string,
  port: number,
  payers: readonly BenchAgent[],
  offer: Offer,
  count: number,
): readonly Buffer[] =>
  Array.from({ length: count }, (_, at) => payers[at % payers.length]).flatMap((agent) =>
    agent === undefined ? [] : (PROTOCOLS[protocol]?.(port, vanillaPayment(agent, offer)) ?? []),
  );
