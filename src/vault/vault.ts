import type { Tool } from '../catalog/tool.ts';
import { originOf } from '../catalog/upstream.ts';
import { createBoundedMap } from '../core/bounded-map.ts';
import { nowSeconds, type Seconds } from '../core/clock.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { AlertBody } from '../protocol/alert.ts';
import type { EgressReach } from '../protocol/egress-url.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { openSecretFetcher, type SecretFetcher } from './egress.ts';
import { open } from './envelope.ts';
import { type Placement, placementsOf } from './placement.ts';
import type { SealedSecret } from './secret.ts';
import { readSecrets } from './secret-table.ts';
import { type NoteUse, openSecretUses } from './secret-uses.ts';
import { readVaultKeys, type VaultKeys } from './vault-keys.ts';

/** What the vault of an isolate works with. */
export type VaultDeps = {
  readonly db: D1Database;
  readonly env: object;
  /** The gateway's own account. */
  readonly owner: AccountId;
  readonly upstreamUrl: string | undefined;
  readonly reach: EgressReach;
  /** Raises an operator alert; false if it could not be recorded. */
  readonly raise: (alert: AlertBody) => Promise<boolean>;
  readonly waitUntil: (promise: Promise<unknown>) => void;
};

/** From this age on a call reads the secret again in the background. */
const STALE: Seconds = 30;
/** From this age on a call waits for its own read, so a rotated or removed secret is used no longer than this. */
const EXPIRED: Seconds = 60;
/** While the database does not answer, a call uses a secret up to this age. */
const OUTAGE: Seconds = 600;
/** How long calls do not read a missing secret again. */
const MISSING: Seconds = 2;
const ALERT_EVERY: Seconds = 3_600;

type Known = { readonly sealed: ReadonlyMap<string, SealedSecret>; readonly readAt: Seconds };

/** The memory of an isolate: encrypted rows and keys, never a plain value. */
type Memory = {
  readonly known: ReturnType<typeof createBoundedMap<string, Known>>;
  readonly alerted: ReturnType<typeof createBoundedMap<string, Seconds>>;
  readonly noteUse: NoteUse;
  /** Rows that have opened with the keys of this isolate. */
  readonly proven: WeakSet<SealedSecret>;
  keys: VaultKeys | undefined;
};

const memories = new WeakMap<D1Database, Memory>();

const memoryOf = ({ db, owner }: VaultDeps): Memory => {
  const made = memories.get(db) ?? {
    known: createBoundedMap(256),
    alerted: createBoundedMap(256),
    noteUse: openSecretUses(db, owner),
    proven: new WeakSet(),
    keys: undefined,
  };
  memories.set(db, made);
  return made;
};

/** Why a tool cannot be called with its secrets. The log names the secrets; the caller only learns that the call is impossible. */
const UNAVAILABLE: Reason = { reason: 'secret_unavailable' };

/**
 * Opens the fetcher of a call, if every secret of the tool exists, is bound to the tool's host, and opens. Runs before the call is
 * reserved, so that no payment moves for a call that cannot run. A warm isolate reads nothing.
 */
export const openEgress = async (
  deps: VaultDeps,
  tool: Pick<Tool, 'id' | 'upstream' | 'path' | 'secrets'>,
): Promise<Result<SecretFetcher, Reason>> => {
  const unavailable = (detail: Readonly<Record<string, unknown>>) => {
    console.error({ event: 'secret_unavailable', tool: tool.id, ...detail });
    return err(UNAVAILABLE);
  };
  const memory = memoryOf(deps);
  const placements = placementsOf(tool);
  if (!placements.ok) return unavailable({ faults: placements.error });
  const keys = await keysOf(memory, deps.env);
  if (!keys.ok) return unavailable({ fault: keys.error });
  const names = [...new Set(placements.value.map(({ secret }) => secret))];
  const known = await secretsOf(memory, deps, names, nowSeconds());
  if (known === undefined) return err({ reason: 'storage_unavailable' });

  const { host } = new URL(originOf(tool, deps.upstreamUrl));
  const secrets: { readonly placement: Placement; readonly sealed: SealedSecret }[] = [];
  for (const placement of placements.value) {
    const sealed = known.get(placement.secret);
    if (sealed === undefined) return unavailable({ secret: placement.secret, fault: 'unknown' });
    if (sealed.host !== host)
      return unavailable({ secret: sealed.name, fault: 'other_host', host });
    if (!memory.proven.has(sealed)) {
      const opened = await open(sealed, keys.value);
      if (!opened.ok) {
        return unavailable({ secret: sealed.name, fault: opened.error, kek: sealed.kek });
      }
      memory.proven.add(sealed);
    }
    secrets.push({ placement, sealed });
  }
  const fetcher = openSecretFetcher({
    secrets,
    keys: keys.value,
    reach: deps.reach,
    onReturned: (secret, from) => report(memory, deps, { tool: tool.id, secret, host: from }),
  });
  return ok({
    fetch: async (url, init) => {
      deps.waitUntil(memory.noteUse(names, tool.id, nowSeconds()));
      return await fetcher.fetch(url, init);
    },
  });
};

const keysOf = async (memory: Memory, env: object): ReturnType<typeof readVaultKeys> => {
  if (memory.keys !== undefined) return ok(memory.keys);
  const read = await readVaultKeys(env as Readonly<Record<string, unknown>>);
  if (read.ok) memory.keys = read.value;
  return read;
};

/** Race: an isolate cancels I/O that another request started, so no call awaits another call's read. Undefined in an outage. */
const secretsOf = async (
  { known }: Memory,
  { db, owner, waitUntil }: VaultDeps,
  names: readonly string[],
  now: Seconds,
): Promise<ReadonlyMap<string, SealedSecret> | undefined> => {
  const key = names.join(' ');
  const found = known.get(key);
  const age = found === undefined ? Number.POSITIVE_INFINITY : now - found.readAt;
  const read = async () => {
    const rows = await readSecrets(db, owner, names);
    const sealed = new Map(rows.map((row) => [row.name, row]));
    known.set(key, { sealed, readAt: now });
    return sealed;
  };
  const unread = (cause: unknown) => {
    console.error({ event: 'secrets_unread', cause: String(cause) });
    return undefined;
  };
  // A missing secret is read again soon, because its operator is likely about to store it.
  const isMissing = found !== undefined && found.sealed.size < names.length;
  if (found === undefined || age >= (isMissing ? MISSING : EXPIRED)) {
    return (await read().catch(unread)) ?? (age < OUTAGE ? found?.sealed : undefined);
  }
  if (age >= STALE) waitUntil(read().catch(unread));
  return found.sealed;
};

/** An answer that contains a secret causes a log entry and an alert. The account ignores repeats from other isolates. */
const report = (
  { alerted }: Memory,
  { raise, waitUntil }: VaultDeps,
  detail: { readonly tool: string; readonly secret: string; readonly host: string },
): void => {
  console.error({ event: 'secret_returned', ...detail });
  const key = `${detail.tool} ${detail.secret}`;
  const now = nowSeconds();
  if (now < (alerted.get(key) ?? 0) + ALERT_EVERY) return;
  alerted.set(key, now);
  const raising = async () => {
    if (!(await raise({ rule: 'secret_returned', detail }))) alerted.delete(key);
  };
  waitUntil(raising());
};
