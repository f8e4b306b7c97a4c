import { type AccountId, accountId, type Network } from '../protocol/account-id.ts';
import type { Address } from '../core/hex.ts';
import type { Tool } from '../catalog/tool.ts';
import { isRelative, serviceOf } from '../catalog/upstream.ts';
import type { Policy } from '../policy/policy.ts';
import { parseTools } from '../catalog/schema.ts';
import type { EgressReach } from '../protocol/egress-url.ts';
import type { FieldFault } from '../protocol/fault.ts';
import type { Jurisdiction } from '../protocol/jurisdiction.ts';
import { err, ok, type Result } from '../core/result.ts';
import {
  BACKEND_VARIABLES,
  type BackendConfig,
  backendFaults,
  readBackends,
} from './backend-settings.ts';
import { type Facilitates, facilitatesFaults, readFacilitates } from './facilitates.ts';
import { parseStrictJson } from '../protocol/strict-json.ts';
import { BUILT_IN_POLICY, parseDefaultPolicy } from '../policy/policy.ts';
import {
  type McpTools,
  readAudiences,
  readCommandBytes,
  readConfirmations,
  readDatabaseMax,
  readRetainDays,
  readJurisdiction,
  readMcpTools,
  readOperators,
  readPaused,
  readReach,
  readReconcileDays,
  readReconcileDepth,
  readRpcUrls,
  readUpstreamUrl,
  readPassthrough,
} from './settings.ts';
import { isComplete, sentence, type Setting } from './json-setting.ts';
import {
  allPayees,
  formerFaults,
  type Payees,
  readFormerPayTo,
  readGatewayAccount,
  readPayTo,
} from './payees.ts';
import { readTraceUrl } from './trace-url.ts';
import { uptoFaults } from './upto-sender.ts';
import { readFormerReceiptKeys, readReceiptKey } from './receipt-key-settings.ts';

/** The configuration that an operator sets, read once per isolate. */
export type Config = BackendConfig & {
  /** Origins that clients may sign for, e.g. `https://gw.example`. The first applies to requests for another origin. */
  readonly audiences: readonly [string, ...string[]];
  /** Networks that the gateway sells on, in the order of PAY_TO. Offers keep this order. */
  readonly networks: readonly [Network, ...Network[]];
  readonly payTo: ReadonlyMap<Network, Address>;
  /** All payees: of each network the offered one first, then those of FORMER_PAY_TO. Each of these networks has an RPC endpoint. */
  readonly payees: Payees;
  /** GATEWAY_ACCOUNT; `gatewayAccount` has the default. */
  readonly gateway: AccountId | undefined;
  readonly rpcUrls: ReadonlyMap<Network, readonly [string, ...string[]]>;
  /** Empty: the gateway does not settle payments for others. */
  readonly facilitates: Facilitates;
  /** Where objects, database, bucket and queues are kept. */
  readonly jurisdiction: Jurisdiction | 'none';
  /** Origin that relative tool upstreams are resolved against. */
  readonly upstreamUrl: string | undefined;
  /** The MCP server whose prompts, resources and completions the gateway passes through, free and without a proof. */
  readonly passthrough: string | undefined;
  /** The address of a trace at the operator's collector, with `{trace}` in place of its id (`traceLink`). */
  readonly traceUrl: string | undefined;
  /** The URLs that the gateway may call. */
  readonly reach: EgressReach;
  /** Names of the service bindings that this Worker has. */
  readonly services: readonly string[];
  readonly paused: boolean;
  readonly mcpTools: McpTools;
  readonly policy: Policy;
  readonly confirmations: number;
  /** The reconciliation ends this many blocks before the head of the chain. */
  readonly reconcileDepth: number;
  /** The reconciliation repeats this many days, once a day. */
  readonly reconcileDays: number;
  /** Bytes of audit log that the commands of one account may write in a day. */
  readonly commandBytes: number;
  /** The maximum size of D1, bytes; alerts are raised before it is reached. */
  readonly databaseMax: number;
  /** Days that D1 keeps log and ended calls while there is an archive. */
  readonly retainDays: number;
  /** Addresses that may use operator routes, on any network. They also count as senders of refunds. */
  readonly operators: readonly Address[];
  /** Ed25519 private key as JWK text. */
  readonly receiptKey: string;
  /** Public keys that signed receipts before: `x` of each JWK. */
  readonly formerReceiptKeys: readonly string[];
  /** The tools of `tools.json`; operators may change the catalogue later. */
  readonly tools: readonly Tool[];
};

/** Every variable that `parseConfig` reads. */
export const VARIABLES = [
  'AUDIENCES',
  'LOCAL_STACK',
  'PAY_TO',
  'FORMER_PAY_TO',
  'GATEWAY_ACCOUNT',
  'RPC_URLS',
  ...BACKEND_VARIABLES,
  'FACILITATES',
  'JURISDICTION',
  'UPSTREAM_URL',
  'MCP_PASSTHROUGH',
  'TRACE_URL',
  'PAUSED',
  'MCP_TOOLS',
  'DEFAULT_POLICY',
  'CONFIRMATIONS',
  'RECONCILE_DEPTH',
  'RECONCILE_DAYS',
  'COMMAND_BYTES_PER_DAY',
  'DATABASE_MAX_BYTES',
  'RETAIN_DAYS',
  'OPERATORS',
  'RECEIPT_KEY',
  'FORMER_RECEIPT_KEYS',
] as const;

/** The environment. An absent variable counts as empty. */
export type Environment = { readonly [name in (typeof VARIABLES)[number]]?: string | undefined };

/** A fault in a variable or in `tools.json`. Never contains a value: some are secrets. */
export type ConfigFault = { readonly name: string; readonly reason: string };

const TOOLS = 'tools.json';

/**
 * Reads the configuration and collects all faults, each with the name of its variable.
 *
 * @param services names of the service bindings that this Worker has
 */
export const parseConfig = (
  environment: Environment,
  toolsJson: unknown,
  services: readonly string[] = [],
): Result<Config, readonly ConfigFault[]> => {
  const faults: ConfigFault[] = [];
  const blame = (name: string, reasons: readonly string[]): void => {
    faults.push(...reasons.map((reason) => ({ name, reason })));
  };
  const read = <T>(name: (typeof VARIABLES)[number], reader: (text: string) => Setting<T>) => {
    const setting = reader(environment[name]?.trim() ?? '');
    if (setting.ok) return setting.value;
    blame(name, setting.error);
    return undefined;
  };

  const audiences = read('AUDIENCES', readAudiences);
  const reach =
    read('LOCAL_STACK', (text) => readReach(text, environment.AUDIENCES?.trim() ?? '')) ?? 'public';
  const payTo = read('PAY_TO', readPayTo);
  const former = read('FORMER_PAY_TO', readFormerPayTo) ?? new Map();
  const gateway = read('GATEWAY_ACCOUNT', readGatewayAccount);
  const payees = payTo && allPayees(payTo, former);
  const rpcUrls = read('RPC_URLS', (text) => readRpcUrls(text, reach));
  const backends = readBackends(read, reach);
  const facilitates = read('FACILITATES', readFacilitates);
  const jurisdiction = read('JURISDICTION', (text) => readJurisdiction(text, reach));
  const upstreamUrl = read('UPSTREAM_URL', (text) => readUpstreamUrl(text, reach));
  const passthrough = read('MCP_PASSTHROUGH', (text) => readPassthrough(text, reach));
  const traceUrl = read('TRACE_URL', readTraceUrl);
  const paused = read('PAUSED', readPaused);
  const mcpTools = read('MCP_TOOLS', readMcpTools);
  const policy = read('DEFAULT_POLICY', readPolicy);
  const confirmations = read('CONFIRMATIONS', readConfirmations);
  const reconcileDepth = read('RECONCILE_DEPTH', readReconcileDepth);
  const reconcileDays = read('RECONCILE_DAYS', readReconcileDays);
  const commandBytes = read('COMMAND_BYTES_PER_DAY', readCommandBytes);
  const databaseMax = read('DATABASE_MAX_BYTES', readDatabaseMax);
  const retainDays = read('RETAIN_DAYS', readRetainDays);
  const operators = read('OPERATORS', readOperators);
  const receiptKey = read('RECEIPT_KEY', readReceiptKey);
  const formerReceiptKeys = read('FORMER_RECEIPT_KEYS', readFormerReceiptKeys);
  const tools = readTools(toolsJson, reach);
  if (!tools.ok) blame(TOOLS, tools.error);

  if (payTo !== undefined) blame('FORMER_PAY_TO', formerFaults(payTo, former));
  // By default the account follows from PAY_TO. With a new payee the gateway would silently lose the operator's tools and webhooks.
  if (former.size > 0 && (environment.GATEWAY_ACCOUNT ?? '').trim() === '') {
    blame('GATEWAY_ACCOUNT', [
      'must be set, because FORMER_PAY_TO is: the account that keeps tools and webhooks, which was that of the first address in PAY_TO',
    ]);
  }
  if (payees !== undefined && rpcUrls !== undefined) {
    blame('RPC_URLS', differences(payees, rpcUrls));
  }
  if (payees !== undefined && backends !== undefined) {
    faults.push(...backendFaults(payees, backends));
    blame('FACILITATES', facilitatesFaults(facilitates ?? new Map(), payees, backends.relayers));
  }
  const relative = tools.ok ? tools.value.find(isRelative) : undefined;
  if (relative !== undefined && (environment.UPSTREAM_URL ?? '').trim() === '') {
    blame('UPSTREAM_URL', [`must be set: the upstream of tool ${relative.id} is a path`]);
  }
  if (tools.ok) blame(TOOLS, unboundServices(tools.value, services));
  if (tools.ok && payTo !== undefined && backends !== undefined) {
    blame(TOOLS, uptoFaults(tools.value, [...payTo.keys()], backends).map(sentence));
  }
  const required = {
    audiences,
    payTo,
    payees,
    rpcUrls,
    facilitates,
    backends,
    jurisdiction,
    paused,
    mcpTools,
    policy,
    confirmations,
    reconcileDepth,
    reconcileDays,
    commandBytes,
    databaseMax,
    retainDays,
    operators,
    receiptKey,
    formerReceiptKeys,
  };
  const [first, ...more] = payTo?.keys() ?? [];
  if (faults.length > 0 || !isComplete(required) || !tools.ok || first === undefined) {
    return err(faults);
  }
  const { backends: ownBackends, ...settings } = required;
  return ok({
    ...settings,
    ...ownBackends,
    networks: [first, ...more],
    gateway,
    upstreamUrl,
    passthrough,
    traceUrl,
    reach,
    services,
    tools: tools.value,
  });
};

/**
 * Returns the origin of a request if it is configured; otherwise the first configured one. The gateway never advertises, checks or signs
 * for an origin outside the list, whatever the Host header claims.
 */
export const audienceOf = ({ audiences }: Pick<Config, 'audiences'>, href: string): string => {
  const origin = URL.parse(href)?.origin;
  return audiences.find((each) => each === origin) ?? audiences[0];
};

/** Returns the gateway's own account, by default that of the payee: it keeps tools and webhooks, and raises alerts about the gateway itself. */
export const gatewayAccount = ({
  gateway,
  networks,
  payTo,
}: Pick<Config, 'gateway' | 'networks' | 'payTo'>): AccountId =>
  gateway ?? accountId(networks[0], payTo.get(networks[0]) as Address);

/** True for the gateway's own account and those of all payees. Only operators may see them, and they take no grants. */
export const isReceiver = (
  config: Pick<Config, 'gateway' | 'networks' | 'payTo' | 'payees'>,
  account: AccountId,
): boolean =>
  account === gatewayAccount(config) ||
  [...config.payees].some(([on, all]) => all.some((address) => accountId(on, address) === account));

/** True for a payee that offers named earlier and no longer name. */
export const isFormerPayee = (
  { payTo, payees }: Pick<Config, 'payTo' | 'payees'>,
  on: Network,
  address: Address,
): boolean => address !== payTo.get(on) && payees.get(on)?.includes(address) === true;

const readPolicy = (text: string): Setting<Policy> => {
  if (text === '') return ok(BUILT_IN_POLICY);
  const json = parseStrictJson(text);
  if (!json.ok) return err(['must be JSON, with no key twice']);
  return inSentences(parseDefaultPolicy(json.value));
};

const readTools = (json: unknown, reach: EgressReach): Setting<readonly Tool[]> =>
  inSentences(parseTools(json, reach));

/** Finds the tools whose service binding does not exist, e.g. because `wrangler.toml` spells it differently. */
const unboundServices = (tools: readonly Tool[], services: readonly string[]): readonly string[] =>
  tools.flatMap((tool) => {
    const service = serviceOf(tool);
    return service === undefined || services.includes(service)
      ? []
      : [
          `names a service binding that wrangler.toml does not have: ${service}, of tool ${tool.id}`,
        ];
  });

const inSentences = <T>(result: Result<T, readonly FieldFault[]>): Setting<T> =>
  result.ok ? result : err(result.error.map(sentence));

/** Each payee needs a node to verify payments. A node without a payee is usually a network misspelt in PAY_TO. */
const differences = (payees: Payees, rpcUrls: ReadonlyMap<Network, unknown>): readonly string[] => [
  ...[...payees.keys()]
    .filter((network) => !rpcUrls.has(network))
    .map((network) => `at ${network}: must have URLs, because PAY_TO or FORMER_PAY_TO names it`),
  ...[...rpcUrls.keys()]
    .filter((network) => !payees.has(network))
    .map(
      (network) =>
        `at ${network}: must not be there, because neither PAY_TO nor FORMER_PAY_TO names it`,
    ),
];
