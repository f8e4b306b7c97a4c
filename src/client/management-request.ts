import { placeOf, type RouteId } from '../management/place.ts';
import { CountersignError } from './errors.ts';
import { readOutgoing, type Outgoing } from './outgoing.ts';

/** A request for a route, as far as it can be written without knowing which. */
export type Written = {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  readonly ifMatch?: string;
  readonly ifNoneMatch?: '*';
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
};

/** Every name that may stand in a path has only these; with any other a URL could become that of another route. */
const NAME = /^(?!\.{1,2}$)[A-Za-z0-9._:~-]{1,512}$/;

const pathOf = (path: string, params: Readonly<Record<string, string>>): string =>
  path.replace(/:([a-z]+)/g, (_, name: string) => {
    const value = params[name] ?? '';
    if (NAME.test(value)) return value;
    throw new CountersignError('options_invalid', `params.${name} cannot stand in a path`);
  });

const queryOf = (query: NonNullable<Written['query']>): string => {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
};

/** An ETag as headers have it: whoever copies a hash out of JSON has no quotes. */
const quoted = (etag: string): string =>
  etag === '*' || etag.startsWith('"') ? etag : `"${etag}"`;

/** The request for a route, exactly as it goes out. @throws CountersignError `options_invalid`, `request_unsignable` */
export const outgoingFor = async (
  origin: string,
  id: RouteId,
  { params = {}, query = {}, body, ifMatch, ifNoneMatch, dryRun, signal }: Written,
): Promise<Outgoing> => {
  const { method, path } = placeOf(id);
  const headers = new Headers();
  if (body !== undefined) headers.set('Content-Type', 'application/json');
  if (ifMatch !== undefined) headers.set('If-Match', quoted(ifMatch));
  if (ifNoneMatch !== undefined) headers.set('If-None-Match', ifNoneMatch);
  if (dryRun === true) headers.set('Dry-Run', '?1');
  return await readOutgoing(origin + pathOf(path, params) + queryOf(query), {
    method,
    headers,
    // What a browser keeps of an answer would be shown to whoever asks next.
    cache: 'no-store',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
};
