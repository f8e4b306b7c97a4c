import type { Seconds } from '../core/clock.ts';
import { type Shelf, tried } from './shelf.ts';

/** Runs `act` under a lock of this name that all tabs share: with true if this tab got the lock, with false if another tab has it. */
export type Alone = <R>(name: string, act: (isAlone: boolean) => Promise<R>) => Promise<R>;

/** Where requests are kept, and how the tabs that share the shelf take turns. */
export type OutboxPlace = { readonly shelf: Shelf; readonly alone: Alone };

/** A kind of signed request. */
export type RequestKind<T> = {
  /** Identifies a request, e.g. by the digest of the signed data. */
  readonly idOf: (request: T) => unknown;
  readonly write: (request: T) => unknown;
  /** Returns undefined for a value that `write` did not write for this key. */
  readonly read: (value: unknown, key: string) => T | undefined | Promise<T | undefined>;
  /** The time from which the gateway no longer carries the request out; undefined if the request never expires. */
  readonly endOf: (request: T) => Seconds | undefined;
};

/** The state of a key, which holds at most one signed request. */
export type Slot<T> =
  | { readonly is: 'free' }
  /** The request may have left the page, and may still take effect. Until it is decided, only the same request may be sent. */
  | { readonly is: 'undecided'; readonly request: T }
  /** The request has expired without an answer. It may have taken effect before. */
  | { readonly is: 'over'; readonly request: T }
  /** The value is damaged, or another release wrote it. Its request may be undecided. */
  | { readonly is: 'unreadable'; readonly value: unknown }
  /** The storage did not answer. */
  | { readonly is: 'denied' };

/**
 * `again`: the key held the same request already, so it may have left before. `taken`: the key holds another request; this one must not
 * leave.
 */
export type Keeping = 'kept' | 'again' | 'taken' | 'denied';

/** The result of an attempt. Not decided: no answer came, or one that cannot be read, or one that does not bind the gateway. */
export type Attempt<A> = { readonly isDecided: boolean; readonly answer: A };

export type Steps<T, A> = {
  /** Signs a request, calls `keep`, and sends it. The request must not leave the page before `keep` returns, and never after `taken`. */
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
  /** Lists the keys that begin with `prefix`; an empty list if the storage does not answer. */
  readonly list: (prefix: string) => Promise<readonly (readonly [key: string, slot: Slot<T>])[]>;
  readonly keep: (key: string, request: T) => Promise<Keeping>;
  /** Removes a decided request. If another tab has kept the next request under the same key meanwhile, that one stays. */
  readonly decide: (key: string, request: T) => Promise<void>;
  /** Removes an expired request. @returns whether there was one */
  readonly dismiss: (key: string) => Promise<boolean>;
  /** Removes the value of a key, in any state. */
  readonly discard: (key: string) => Promise<void>;
  /**
   * Sends the kept request, or signs one if the key is free; one tab at a time. @throws the errors of the steps; a kept request then stays
   */
  readonly once: <A>(key: string, steps: Steps<T, A>) => Promise<Sent<A>>;
};

/**
 * Keeps signed requests whose effect a second signature would repeat: one for each key, from before it leaves the page until it is decided.
 *
 * Race: a page may be closed at any point, and afterwards nothing shows whether a kept request has left. So a kept request counts as sent:
 * the page sends it again with the same signature, which takes effect at most once (law 3), and signs nothing else under its key.
 */
export const createOutbox = <T>(
  { idOf, write, read, endOf }: RequestKind<T>,
  { shelf, alone, now }: OutboxPlace & { readonly now: () => Seconds },
): Outbox<T> => {
  const slotOf = async (key: string, value: unknown): Promise<Slot<T>> => {
    const request = await tried(async () => await read(value, key));
    if (request === undefined) return { is: 'unreadable', value };
    const end = endOf(request);
    return { is: end !== undefined && end <= now() ? 'over' : 'undecided', request };
  };
  /** The slot of a key, with the stored value. */
  const stored = async (key: string): Promise<readonly [Slot<T>, value?: unknown]> => {
    const listed = await tried(async () => await shelf.list(key));
    if (listed === undefined) return [{ is: 'denied' }];
    const found = listed.find(([at]) => at === key);
    return found === undefined ? [{ is: 'free' }] : [await slotOf(key, found[1]), found[1]];
  };
  const look = async (key: string): Promise<Slot<T>> => (await stored(key))[0];
  const holds = (slot: Slot<T>, request: T): boolean =>
    'request' in slot && idOf(slot.request) === idOf(request);
  /** Removes the value of a key, or only this value: another tab may have kept the next request meanwhile. */
  const remove = async (key: string, only?: unknown): Promise<void> => {
    await tried(async () => await shelf.remove(key, only));
  };
  const keep = async (key: string, request: T): Promise<Keeping> => {
    const [before, value] = await stored(key);
    if (holds(before, request)) return 'again';
    if (before.is === 'over') await remove(key, value);
    const isAdded = await tried(async () => await shelf.add(key, write(request)));
    const [after, kept] = await stored(key);
    if (holds(after, request)) return isAdded === true ? 'kept' : 'again';
    if (isAdded === false) return 'taken';
    // A request that cannot be read again must not leave, and must not block the next one.
    if (isAdded === true) await remove(key, kept ?? write(request));
    return 'denied';
  };
  const decide = async (key: string, request: T): Promise<void> => {
    const [slot, value] = await stored(key);
    if (holds(slot, request)) await remove(key, value);
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
      const [slot, value] = await stored(key);
      if (slot.is === 'over') await remove(key, value);
      return slot.is === 'over';
    },
    discard: async (key) => await remove(key),
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
