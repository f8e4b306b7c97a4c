import { isObject } from '../../core/json-object.ts';
import type { ToolDocument } from '../../management/tool.route.ts';
import type { OpenApi } from './document.ts';
import { dereferenced } from './operation.ts';

type Places = NonNullable<ToolDocument['secrets']>;

/** How an operation gets the credentials that the document demands. */
export type Credentials = {
  /** The places in the tool's requests. Each uses a secret that is named after the scheme. */
  readonly secrets: Places;
  /** The schemes of an operation whose credentials no place can carry, e.g. an OAuth login. */
  readonly unsent: readonly string[];
};

/** Reads the security requirements of an operation: the first alternative that places can carry. */
export const credentialsOf = (
  document: OpenApi,
  operation: Readonly<Record<string, unknown>>,
): Credentials => {
  const security = (operation['security'] ?? document['security']) as unknown;
  const needs = Array.isArray(security) ? (security as readonly unknown[]).filter(isObject) : [];
  const names = needs.map((each) => Object.keys(each));
  if (names.length === 0 || names.some((each) => each.length === 0)) {
    return { secrets: [], unsent: [] };
  }
  for (const alternative of names) {
    const places = alternative.map((name) => placeOf(document, name));
    if (places.every((place) => place !== undefined)) return { secrets: places, unsent: [] };
  }
  return { secrets: [], unsent: [...new Set(names.flat())] };
};

const placeOf = (document: OpenApi, scheme: string): Places[number] | undefined => {
  const { components } = document;
  const schemes = isObject(components) ? components['securitySchemes'] : undefined;
  const found =
    isObject(schemes) && Object.hasOwn(schemes, scheme)
      ? dereferenced(document, schemes[scheme])
      : undefined;
  const secret = scheme
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[_-]+/, '')
    .slice(0, 64);
  if (found === undefined || secret === '') return undefined;
  const { type, name, in: place, scheme: kind } = found;
  const how = typeof kind === 'string' ? kind.toLowerCase() : '';
  if (type === 'http' && how === 'bearer') {
    return { in: 'header', name: 'authorization', prefix: 'Bearer ', secret };
  }
  if (type === 'http' && how === 'basic') return { in: 'basic', secret };
  if (type !== 'apiKey' || typeof name !== 'string') return undefined;
  if (place === 'header') return { in: 'header', name: name.toLowerCase(), secret };
  return place === 'query' ? { in: 'query', name, secret } : undefined;
};
