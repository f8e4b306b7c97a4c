import type { Seconds } from '../core/clock.ts';
import { type Shelf, tried } from './shelf.ts';

/** Runs `act` with true while no other tab runs one of this name; otherwise at once, with false. */
export type Alone = <R>(name: string, act: (isAlone: boolean) => Promise<R>) => Promise<R>;

/** Where requests are kept, and how the tabs that share the shelf take turns. */
export type Place = { readonly shelf: Shelf; readonly alone: Alone };

/** A kind of signed request. */
export type RequestKind<T> = {
  /** What tells two requests apart, e.g. the digest of what was signed. */
  readonly idOf: (request: T) => unknown;
  readonly write: (request: T) => unknown;
  /** Undefined for anything but a request that `write` wrote for this key. */
  readonly read: (value: unknown, key: string) => T | undefined | Promise<T | undefined>;
  /** When a request can take effect no more; undefined if no clock says so. */
  readonly endOf: (request: T) => Seconds | undefined;
};

/** The one signed request that a key may have. */
export type Slot<T> =
  | { readonly is: 'free' }
  /** It may have left, and may still take effect. Until it is decided, only the same request may be sent. */
  | { readonly is: 'undecided'; readonly request: T }
  /** Its end has passed without an answer. It may have taken effect before. */
  | { readonly is: 'over'; readonly request: T }
  /** Damaged, or of another release. It may be undecided. */
  | { readonly is: 'unreadable'; readonly value: unknown }
  /** The storage does not say. */
  | { readonly is: 'denied' };

/** `again`: the same request was kept before, so it may have left before. `taken`: another one is undecided, and this one must not leave. */
export type Keeping = 'kept' | 'again' | 'taken' | 'denied';

/** The end of an attempt. Undecided: no answer, one that cannot be read, or one that a gateway need not keep to. */
export type Attempt<A> = { readonly isDecided: boolean; readonly answer: A };

export type Steps<T, A> = {
  /** Signs and sends. What it signs must not leave before `keep` returns `kept`, and never after `taken`. */
  readonly first: (keep: (request: T) => Promise<Keeping>) => Promise<Attempt<A>>;
  /** Sends the kept request: the same bytes with the same signature. */
  readonly again: (request: T) => Promise<Attempt<A>>;
};

export type Sent<A> =
  | { readonly is: 'answered'; readonly answer: A }
  | { readonly is: 'elsewhere' }
  | { readonly is: 'unreadable' | 'denied' };

export type Outbox<T> = {
  readonly look: (key: string) => Promise<Slot<T>>;
  /** All that is kept under keys that begin with `prefix`; nothing of a storage that does not answer. */
  readonly list: (prefix: string) => Promise<readonly (readonly [key: string, slot: Slot<T>])[]>;
  readonly keep: (key: string, request: T) => Promise<Keeping>;
  /** Forgets a request that is decided. Another tab may have kept the next one under its key meanwhile, which stays. */
  readonly decide: (key: string, request: T) => Promise<void>;
  /** Forgets a request whose end has passed. @returns whether it did */
  readonly dismiss: (key: string) => Promise<boolean>;
  /** Forgets a value whatever it is. */
  readonly discard: (key: string) => Promise<void>;
  /** Sends the kept request, or signs one if there is none, in one tab at a time. @throws what the steps throw; what was kept then stays kept */
  readonly once: <A>(key: string, steps: Steps<T, A>) => Promise<Sent<A>>;
};

/**
 * Keeps signed requests that a second signature would carry out twice, one for each key, from before they leave until they are decided.
 *
 * Race: a page may end at any point, and no point tells whether a kept request has left. So a kept request counts as sent: it is sent again
 * with the same signature, which takes effect at most once (law 3), and nothing else is signed under its key.
 */
export const createOutbox = <T>(
  { idOf, write, read, endOf }: RequestKind<T>,
  { shelf, alone, now }: Place & { readonly now: () => Seconds },
): Outbox<T> => {
  const slotOf = async (key: string, value: unknown): Promise<Slot<T>> => {
    const request = await tried(async () => await read(value, key));
    if (request === undefined) return { is: 'unreadable', value };
    const end = endOf(request);
    return { is: end !== undefined && end <= now() ? 'over' : 'undecided', request };
  };
  const look = async (key: string): Promise<Slot<T>> => {
    const listed = await tried(async () => await shelf.list(key));
    if (listed === undefined) return { is: 'denied' };
    const found = listed.find(([at]) => at === key);
    return found === undefined ? { is: 'free' } : await slotOf(key, found[1]);
  };
  const holds = (slot: Slot<T>, request: T): boolean =>
    'request' in slot && idOf(slot.request) === idOf(request);
  const discard = async (key: string): Promise<void> => {
    await tried(async () => await shelf.remove(key));
  };
  const keep = async (key: string, request: T): Promise<Keeping> => {
    const before = await look(key);
    if (holds(before, request)) return 'again';
    if (before.is === 'over') await discard(key);
    const isAdded = await tried(async () => await shelf.add(key, write(request)));
    const after = await look(key);
    if (holds(after, request)) return isAdded === true ? 'kept' : 'again';
    if (isAdded === false) return 'taken';
    // A request that cannot be read again must not leave, and must not block the next one.
    if (isAdded === true) await discard(key);
    return 'denied';
  };
  const decide = async (key: string, request: T): Promise<void> => {
    if (holds(await look(key), request)) await discard(key);
  };
  return {
    look,
    list: async (prefix) => {
      const listed = (await tried(async () => await shelf.list(prefix))) ?? [];
      return await Promise.all(
        listed.map(async ([key, value]) => [key, await slotOf(key, value)] as const),
      );
    },
    keep,
    decide,
    dismiss: async (key) => {
      const isOver = (await look(key)).is === 'over';
      if (isOver) await discard(key);
      return isOver;
    },
    discard,
    once: async (key, { first, again }) =>
      await alone(key, async (isAlone) => {
        if (!isAlone) return { is: 'elsewhere' };
        const slot = await look(key);
        if (slot.is === 'unreadable' || slot.is === 'denied') return { is: slot.is };
        let sent = slot.is === 'undecided' ? slot.request : undefined;
        const { isDecided, answer } =
          sent === undefined
            ? await first(async (request) => {
                const keeping = await keep(key, request);
                sent = keeping === 'taken' ? sent : request;
                return keeping;
              })
            : await again(sent);
        if (sent !== undefined && isDecided) await decide(key, sent);
        return { is: 'answered', answer };
      }),
  };
};
