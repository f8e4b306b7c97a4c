import type { Catalogue } from '../catalog/catalogue.ts';
import type { Tool } from '../catalog/tool.ts';
import { memoize } from '../core/bounded-map.ts';
import type { Seconds } from '../core/clock.ts';
import { ok, type Result } from '../core/result.ts';
import { askAccount } from '../gateway/account-api/look-ups.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { CheckedProof } from '../gateway/paid-request.ts';
import { allowedTools } from '../policy/allowed-tools.ts';
import { fiatOf } from '../protocol/fiat-asset.ts';
import type { Rights } from '../protocol/account/rights.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { ZERO_HASH } from '../core/hex.ts';

/** Tools by MCP name, which is the tool's id, in the order of a list. */
export type VisibleTools = ReadonlyMap<string, Tool>;

/** The tools that a caller sees over MCP. Every other tool is unknown to it, in lists and in calls. */
export type View = {
  readonly catalogue: Catalogue;
  readonly tools: VisibleTools;
  /** The rights of the account that signed; absent for a caller that proved no key, who sees the public catalogue. */
  readonly rights?: Rights;
};

/**
 * Returns the tools that a caller sees; for a verified signer, those that its whole chain of policies allows. Asks at most one object.
 *
 * @param client the rate limiter's key of the caller.
 */
export const visibleTools = async (
  gateway: Gateway,
  signer: CheckedProof | undefined,
  client: string,
  now: Seconds,
): Promise<Result<View, Reason>> => {
  const catalogue = await gateway.catalogue.current(now, gateway.waitUntil);
  if (signer === undefined) return ok({ catalogue, tools: publicTools(catalogue) });
  const rights = await rightsOf(gateway, signer, client);
  return rights.ok
    ? ok({ catalogue, tools: listedFor(catalogue, rights.value), rights: rights.value })
    : rights;
};

/** Asks the account of a signer what its calls may do now. */
export const rightsOf = async (
  gateway: Gateway,
  signer: CheckedProof,
  client: string,
): Promise<Result<Rights, Reason>> => {
  const { asset, audience, intent } = signer;
  const authority = intent?.authority ?? ZERO_HASH;
  const found = await askAccount(gateway, signer, client, (own, account) =>
    own.rights({
      account,
      // A listing costs nothing, so the asset of its intent only names the budget that the caller asks about.
      asset: (intent && fiatOf(intent.asset)) ?? asset,
      audience,
      ...(authority === ZERO_HASH ? {} : { authority }),
    }),
  );
  return found.ok ? ok(found.value.rights) : found;
};

/** Rules that stop an account only for a time, so that it still sees its tools. */
const TEMPORARY: ReadonlySet<string> = new Set(['frozen', 'paused', 'not_yet']);

/** An account whose grant was revoked or has expired may call nothing, so it sees nothing. */
const listedFor = (catalogue: Catalogue, { policies, stopped }: Rights): VisibleTools =>
  stopped !== undefined && !TEMPORARY.has(stopped.rule)
    ? new Map()
    : computedFor(catalogue).allowed(policies);

/** Returns every tool that is served and whose request the arguments of a call determine, by id. */
export const publicTools = (catalogue: Catalogue): VisibleTools => computedFor(catalogue).all;

/** The computations of one version of the catalogue. */
type Computed = {
  readonly all: VisibleTools;
  readonly allowed: (policies: Rights['policies']) => VisibleTools;
};

/** Chains of policies whose tools are kept: agents of one owner mostly share theirs. */
const MAX_CHAINS = 64;

const computed = new WeakMap<Catalogue, Computed>();

const computedFor = (catalogue: Catalogue): Computed => {
  const known = computed.get(catalogue);
  if (known !== undefined) return known;
  const tools = [...catalogue.tools.values()]
    .flatMap(({ tool, disabled, fault }) =>
      tool === undefined || disabled || fault !== undefined || !isCallable(tool) ? [] : tool,
    )
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const made: Computed = {
    all: byId(tools),
    allowed: memoize(
      MAX_CHAINS,
      (policies) => JSON.stringify(policies),
      (policies) => byId(allowedTools(policies, tools)),
    ),
  };
  computed.set(catalogue, made);
  return made;
};

const byId = (tools: readonly Tool[]): VisibleTools =>
  new Map(tools.map((tool) => [tool.id, tool]));

/** True if arguments determine the HTTP request. False for a tool with any method, or with any path below a prefix. */
const isCallable = ({ method, path }: Tool): boolean => method !== '*' && !path.endsWith('/*');
