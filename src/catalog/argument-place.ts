import * as z from 'zod/mini';
import { paramText } from '../policy/fields.ts';
import type { FieldFault } from '../protocol/fault.ts';
import { placeholdersOf } from './placeholder.ts';
import { templateOf, type Upstream } from './upstream.ts';

/**
 * The place of an MCP argument in the HTTP request: a placeholder of the upstream, a key of the query, a header, or a JSON pointer into the
 * body (RFC 6901): one member (`/text`), or the whole body (empty).
 */
export type ArgumentPlace =
  | { readonly path: string }
  | { readonly query: string }
  | { readonly header: string }
  | { readonly pointer: string };

const MAX_ARGUMENTS = 128;
const MAX_NAME = 128;

/** One member of the body, or all of it. */
const POINTER = /^(?:\/(?:[^~/]|~[01])+)?$/;
const PLACE =
  'must be {"path": "id"}, {"query": "key"}, {"header": "name"}, or {"pointer": "/member"}; {"pointer": ""} is the whole body';

const named = paramText.check(z.minLength(1, PLACE));

export const argumentPlaces = z
  .record(
    z.string(),
    z.union(
      [
        z.strictObject({ path: named }),
        z.strictObject({ query: named }),
        z.strictObject({ header: named }),
        z.strictObject({ pointer: paramText.check(z.regex(POINTER, PLACE)) }),
      ],
      PLACE,
    ),
    'must be an object of places by argument',
  )
  .check(
    z.refine((all) => {
      const names = Object.keys(all);
      return (
        names.length <= MAX_ARGUMENTS &&
        names.every((name) => name !== '' && name.length <= MAX_NAME && name.isWellFormed())
      );
    }, `must hold at most ${MAX_ARGUMENTS} arguments, named by 1 to ${MAX_NAME} characters`),
  );

/** Methods whose requests have no body: arguments without a place go to the query. */
export const isBodilessMethod = (method: string): boolean => method === 'GET' || method === 'HEAD';

/** The fields of a tool that its arguments' places depend on. */
type Placed = {
  readonly method: string;
  readonly path: string;
  readonly upstream: Upstream;
  readonly requestHeaders: readonly string[];
  readonly arguments: Readonly<Record<string, ArgumentPlace>>;
};

/** Returns faults of a tool's placeholders and places: no two arguments may share a place, because one would replace the other. */
export const placeFaults = (tool: Placed): readonly FieldFault[] => {
  const faults: FieldFault[] = [];
  const placeholders = placeholdersOf(templateOf(tool.upstream));
  if (placeholders.length > 0 && tool.path.endsWith('/*')) {
    faults.push({
      field: 'upstream',
      reason: 'may hold placeholders only if path has no wildcard',
    });
  }
  if (new Set(placeholders).size !== placeholders.length) {
    faults.push({ field: 'upstream', reason: 'may hold each placeholder once' });
  }
  const places = Object.entries(tool.arguments);
  const taken = new Set<string>();
  for (const [name, place] of places) {
    const reason = placeFault(tool, placeholders, place) ?? takenFault(taken, place);
    if (reason !== undefined) faults.push({ field: `arguments.${name}`, reason });
  }
  const pointers = places.filter(([, place]) => 'pointer' in place);
  if (taken.has('pointer:') && pointers.length > 1) {
    faults.push({
      field: 'arguments',
      reason: 'may place nothing else into a body that is one argument',
    });
  }
  return faults;
};

const placeFault = (
  { method, requestHeaders }: Placed,
  placeholders: readonly string[],
  place: ArgumentPlace,
): string | undefined => {
  if ('path' in place) {
    return placeholders.includes(place.path) ? undefined : `upstream has no {${place.path}}`;
  }
  if ('query' in place) {
    // An HTTP caller gives the placeholder under this key.
    return placeholders.includes(place.query)
      ? 'is a placeholder of upstream, whose place is path'
      : undefined;
  }
  if ('header' in place) {
    return requestHeaders.includes(place.header)
      ? undefined
      : 'must be one of requestHeaders, in lower case';
  }
  return isBodilessMethod(method) ? `must have another place: ${method} has no body` : undefined;
};

const takenFault = (taken: Set<string>, place: ArgumentPlace): string | undefined => {
  const [[kind, name] = ['', '']] = Object.entries(place);
  const key = `${kind}:${name}`;
  if (taken.has(key)) return 'is the place of an earlier argument';
  taken.add(key);
  return undefined;
};
