import { raiser } from '../webhooks/alerts.ts';
import { type LiveCatalogue, openCatalogue, readToolsOf } from '../catalog/live-catalogue.ts';
import { type Config, gatewayAccount, parseConfig } from '../config/config.ts';
import { err, type Result } from '../core/result.ts';
import type { Json } from '../protocol/entry.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { objectOf } from '../protocol/jurisdiction.ts';

/** The content of `tools.json`, unchecked: `parseConfig` reports its faults. */
export type ToolsFile = { readonly tools: readonly unknown[] };

/** The deployed parts of a Worker: its variables and its tools, each read once per isolate. */
export type Deployment = {
  readonly configOf: (env: Env) => Result<Config, Reason>;
  /** The same, once the stored jurisdiction is known to be the configured one. Whatever touches an object asks this one first. */
  readonly placedConfigOf: (env: Env) => Promise<Result<Config, Reason>>;
  readonly catalogueOf: (env: Env, config: Config) => LiveCatalogue;
};

export const openDeployment = (file: ToolsFile): Deployment => {
  const configOf = oncePerEnvironment((env): Result<Config, Reason> => {
    const parsed = parseConfig(env, file, servicesOf(env));
    return parsed.ok ? parsed : err({ reason: 'misconfigured', faults: parsed.error });
  });
  return { configOf, placedConfigOf: placing(configOf), catalogueOf: openCatalogueOf(file) };
};

/** Keeps the answer of the database for the life of the isolate, unless it gave none. */
const placing = (configOf: Deployment['configOf']): Deployment['placedConfigOf'] => {
  let placed: { readonly env: Env; readonly config: Result<Config, Reason> } | undefined;
  return async (env) => {
    if (placed?.env === env) return placed.config;
    const config = configOf(env);
    if (!config.ok) return config;
    const { startFault } = await import('../config/start-fault.ts');
    const fault = await startFault(env, config.value);
    const answer = fault === undefined ? config : err(fault);
    if (fault?.reason !== 'storage_unavailable') placed = { env, config: answer };
    return answer;
  };
};

const openCatalogueOf = (file: ToolsFile): Deployment['catalogueOf'] =>
  oncePerEnvironment((env, config: Config) => {
    const { tools, policy, upstreamUrl, reach, services } = config;
    const self = gatewayAccount(config);
    const raise = raiser(env);
    const documents = file.tools as readonly Json[];
    const account = () => objectOf(env, env.AGENT_ACCOUNT, self);
    return openCatalogue({
      read: readToolsOf(account),
      raise: (alert) => raise(self, alert),
      deployed: { tools, documents, upstreamUrl, reach, services },
      policy,
      writeTexts: async (set, sold) => {
        const { publishTexts } = await import('../catalog/publish-texts.ts');
        return publishTexts(account(), set, sold, policy);
      },
    });
  });

/** Keeps the result for the last environment: an isolate has one, and its variables do not change while it lives. */
const oncePerEnvironment = <T, More extends readonly unknown[]>(
  make: (env: Env, ...more: More) => T,
): ((env: Env, ...more: More) => T) => {
  let made: { readonly env: Env; readonly value: T } | undefined;
  return (env, ...more) => {
    if (made?.env !== env) made = { env, value: make(env, ...more) };
    return made.value;
  };
};

/** Service bindings are the only bindings with a `fetch`, except for the assets, which are not an upstream. */
const servicesOf = (env: Env): readonly string[] =>
  Object.entries(env).flatMap(([name, binding]: [string, unknown]) =>
    typeof binding === 'object' && binding !== null && 'fetch' in binding && name !== 'ASSETS'
      ? [name]
      : [],
  );
