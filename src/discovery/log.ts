import { parseTilePath } from '../audit/log/tile.ts';
import { logOrigin, readLogKey } from '../audit/log/log-key.ts';
import { verifierKey } from '../audit/log/signed-note.ts';
import type { Seconds } from '../core/clock.ts';
import type { AuditLogRpc } from '../protocol/audit-log-contract.ts';
import { problem } from '../protocol/problem/problem.ts';

/** The log of an origin, its key, and the origin that clients sign for. */
export type LogServices = {
  readonly audience: string;
  /** `LOG_KEY`. */
  readonly key: string;
  readonly log: (origin: string) => Pick<AuditLogRpc, 'status' | 'tile'>;
};

const PATH = /^\/log\/(?:(?<year>\d{4})\/)?(?<resource>checkpoint|key|tile\/.{1,64})$/;

/** The key of a verifier must not change under it unnoticed: whoever verifies keeps it. */
const KEY_HEADERS = {
  'Content-Type': 'text/plain; charset=utf-8',
  'Cache-Control': 'public, max-age=300',
};
/** A checkpoint changes every ten seconds at most; a tile of a width never changes. */
const CHECKPOINT_HEADERS = {
  'Content-Type': 'text/plain; charset=utf-8',
  'Cache-Control': 'public, max-age=5',
};
const TILE_HEADERS = {
  'Content-Type': 'application/octet-stream',
  'Cache-Control': 'public, max-age=31536000, immutable',
};

/**
 * Serves the transparency log to anyone (https://c2sp.org/tlog-tiles): `/log/<year>/checkpoint` and `/log/<year>/tile/…`, without the year
 * for the current one; `/log/<year>/key` is the key to verify with. Leaves are not public: they name accounts and when each was active.
 */
export const serveLog = async (
  { audience, key, log }: LogServices,
  request: Request,
  now: Seconds,
): Promise<Response> => {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return problem({ reason: 'method_not_allowed', allow: ['GET'] });
  }
  const { year, resource } = PATH.exec(new URL(request.url).pathname)?.groups ?? {};
  if (resource === undefined) return problem({ reason: 'not_found' });
  const current = logOrigin(audience, now);
  // No object is asked for a year that has not begun: its name would be one that a stranger chose.
  if (year !== undefined && Number(year) > Number(current.slice(-4))) {
    return problem({ reason: 'not_found' });
  }
  const origin = year === undefined ? current : `${current.slice(0, -4)}${year}`;
  if (resource === 'checkpoint') {
    const { checkpoint } = await log(origin).status();
    return checkpoint === undefined
      ? problem({ reason: 'not_found' })
      : new Response(checkpoint, { headers: CHECKPOINT_HEADERS });
  }
  if (resource === 'key') {
    const read = await readLogKey(key, origin);
    return read.ok && read.value !== undefined
      ? new Response(`${verifierKey(read.value.key)}\n`, { headers: KEY_HEADERS })
      : problem({ reason: 'not_found' });
  }
  const place = parseTilePath(resource.slice('tile/'.length));
  const bytes = place && (await log(origin).tile(place.level, place.index, place.width));
  return bytes === undefined
    ? problem({ reason: 'not_found' })
    : new Response(new Uint8Array(bytes), { headers: TILE_HEADERS });
};
