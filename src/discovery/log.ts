import { parseTilePath } from '../audit/log/tile.ts';
import { keyListText, type ListedKey } from '../audit/log/key-list.ts';
import { logOrigin, type LogKeySettings, readLogKeys } from '../audit/log/log-key.ts';
import { keyIdOf, type NoteKey, SIGNATURE_TYPE } from '../audit/log/signed-note.ts';
import type { Seconds } from '../core/clock.ts';
import { ok } from '../core/result.ts';
import { bytesOf, decodeBase64 } from '../crypto/bytes.ts';
import { clientOf, type RateLimit, TOO_MANY } from '../gateway/rate-limit.ts';
import { type AuditLogRpc, FIRST_YEAR, type LogSigner } from '../protocol/audit-log-contract.ts';
import { problem } from '../protocol/problem/problem.ts';

/** The log of an origin, its keys, and the origin that clients sign for. */
export type LogServices = {
  readonly audience: string;
  readonly keys: LogKeySettings;
  readonly log: (origin: string) => Pick<AuditLogRpc, 'status' | 'tile' | 'headAt'>;
  readonly rateLimit: RateLimit;
};

const PATH =
  /^\/log\/(?:(?<year>\d{4})\/)?(?<resource>checkpoint|keys|tile\/.{1,64}|head\/(?<size>\d{1,15})\/(?<anchor>[0-9a-f]{64}))$/;

/** Verifiers pin the keys, so a change must not go unnoticed. */
const KEYS_HEADERS = {
  'Content-Type': 'text/plain; charset=utf-8',
  'Cache-Control': 'public, max-age=300',
};
/** A checkpoint changes every ten seconds at most; a tile of a width never changes. */
const CHECKPOINT_HEADERS = {
  'Content-Type': 'text/plain; charset=utf-8',
  'Cache-Control': 'public, max-age=5',
};
const IMMUTABLE = { 'Cache-Control': 'public, max-age=31536000, immutable' };
const TILE_HEADERS = { 'Content-Type': 'application/octet-stream', ...IMMUTABLE };

/**
 * Serves the transparency log to anyone (https://c2sp.org/tlog-tiles): `/log/<year>/checkpoint` and `/log/<year>/tile/…`, without the year
 * for the current one; `/log/<year>/keys` lists the keys to verify with. Leaves are not public: they name accounts and when each was active.
 * `/log/<year>/head/<size>/<anchor>` proves the newest leaf of the account with that anchor, to readers who have its first leaf.
 */
export const serveLog = async (
  { audience, keys, log, rateLimit }: LogServices,
  request: Request,
  now: Seconds,
): Promise<Response> => {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return problem({ reason: 'method_not_allowed', allow: ['GET'] });
  }
  const { year, resource, size, anchor } = PATH.exec(new URL(request.url).pathname)?.groups ?? {};
  if (resource === undefined) return problem({ reason: 'not_found' });
  const current = logOrigin(audience, now);
  // Never call an object for a year without a log: a stranger would choose the name of the object, and waking it costs money (law 12).
  if (
    year !== undefined &&
    (Number(year) < FIRST_YEAR || Number(year) > Number(current.slice(-4)))
  ) {
    return problem({ reason: 'not_found' });
  }
  if (!(await rateLimit(`log ${clientOf(request.headers)}`))) return problem(TOO_MANY);
  const origin = year === undefined ? current : `${current.slice(0, -4)}${year}`;
  if (resource === 'checkpoint') {
    const { checkpoint } = await log(origin).status();
    return checkpoint === undefined
      ? problem({ reason: 'not_found' })
      : new Response(checkpoint, { headers: CHECKPOINT_HEADERS });
  }
  if (resource === 'keys') {
    // The settings do not apply to a former year: its log was signed with the keys of that time.
    const read = origin === current ? await readLogKeys(keys, origin) : ok([]);
    const { signers } = await log(origin).status();
    const listed = listedKeys(read.ok ? read.value.map(({ key }) => key) : [], signers, origin);
    return listed.length === 0
      ? problem({ reason: 'not_found' })
      : new Response(keyListText(listed), { headers: KEYS_HEADERS });
  }
  if (anchor !== undefined) {
    const head = await log(origin).headAt(bytesOf(`0x${anchor}`), Number(size));
    return head === undefined
      ? problem({ reason: 'not_found' })
      : Response.json(head, { headers: IMMUTABLE });
  }
  const place = parseTilePath(resource.slice('tile/'.length));
  const bytes = place && (await log(origin).tile(place.level, place.index, place.width));
  return bytes === undefined
    ? problem({ reason: 'not_found' })
    : new Response(new Uint8Array(bytes), { headers: TILE_HEADERS });
};

/** The keys that sign now, first that of `LOG_KEY`; then the others that signed this log. */
const listedKeys = (
  present: readonly NoteKey[],
  signers: readonly LogSigner[],
  origin: string,
): readonly ListedKey[] => {
  const signed = signers.map(({ publicKey, from, until }): ListedKey => {
    const bytes = decodeBase64(publicKey) ?? new Uint8Array();
    const key = { name: origin, type: SIGNATURE_TYPE.note, publicKey: bytes };
    return { key, from, ...(until === undefined ? {} : { until }) };
  });
  const isSame = (one: NoteKey, other: NoteKey): boolean => keyIdOf(one) === keyIdOf(other);
  const now = present.map((key) => signed.find((one) => isSame(one.key, key)) ?? { key });
  return [...now, ...signed.filter((one) => !now.includes(one))];
};
