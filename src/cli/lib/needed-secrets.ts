import { join } from 'node:path';
import { isObject } from '../../core/json-object.ts';
import { parseStrictJson } from '../../protocol/strict-json.ts';
import { readText } from './atomic-file.ts';
import { TOOLS_FILE } from './config-files.ts';

/** A secret that tools send to their upstream. */
export type NeededSecret = {
  readonly name: string;
  /** The hosts of the tools, without those that depend on an unknown UPSTREAM_URL. */
  readonly hosts: readonly string[];
  readonly tools: readonly string[];
  readonly kind: 'token' | 'basic';
};

/**
 * Returns the secrets that tools need, from the member `secrets` of each. Skips malformed parts, which other checks report.
 *
 * @param tools in the format of `tools.json` and the management API
 */
export const neededSecrets = (
  tools: readonly unknown[],
  upstreamUrl: string,
): readonly NeededSecret[] => {
  const needed = new Map<string, NeededSecret>();
  for (const tool of tools) {
    if (!isObject(tool) || tool['disabled'] === true || !Array.isArray(tool['secrets'])) continue;
    const host = hostOf(tool['upstream'], upstreamUrl);
    for (const place of tool['secrets'] as readonly unknown[]) {
      if (!isObject(place) || typeof place['secret'] !== 'string') continue;
      const name = place['secret'];
      const known = needed.get(name);
      needed.set(name, {
        name,
        hosts: [...new Set([...(known?.hosts ?? []), ...(host === undefined ? [] : [host])])],
        tools: [...new Set([...(known?.tools ?? []), String(tool['id'])])],
        kind: place['in'] === 'basic' ? 'basic' : (known?.kind ?? 'token'),
      });
    }
  }
  return [...needed.values()];
};

const hostOf = (upstream: unknown, upstreamUrl: string): string | undefined => {
  const url = isObject(upstream) ? upstream['mcp'] : upstream;
  if (typeof url !== 'string') return undefined;
  return URL.parse(url.startsWith('/') ? upstreamUrl : url)?.host;
};

/** The secrets that the project in a directory needs. */
export const projectSecrets = async (
  directory: string,
  upstreamUrl: string,
): Promise<readonly NeededSecret[]> => {
  const json = parseStrictJson((await readText(join(directory, TOOLS_FILE))) ?? '', 64);
  const tools = json.ok && isObject(json.value) ? json.value['tools'] : undefined;
  return neededSecrets(Array.isArray(tools) ? (tools as readonly unknown[]) : [], upstreamUrl);
};

/** The command that stores a secret. In the project directory it finds the host itself. */
export const putText = ({ name, kind, hosts }: NeededSecret): string =>
  `countersign secret put ${name}${hosts.length === 1 ? ` --host ${hosts[0]}` : ''}${kind === 'basic' ? ' --kind basic --user <user>' : ''}`;

/** Names a missing secret, e.g. `the secret weather is missing, which forecast needs`. */
export const missingText = ({ name, tools }: NeededSecret): string => {
  const [first = '', ...others] = tools;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return `the secret ${name} is missing, which ${first}${more} ${others.length === 0 ? 'needs' : 'need'}`;
};
