import type { Keeper } from './keeper.ts';
import { chooser } from './plan.ts';

/** The fate of a message. `asleep`: its sender restarts before the message arrives. `meanwhile`: another step runs first. */
export type Fate = 'now' | 'late' | 'asleep' | 'lost' | 'twice' | 'meanwhile';

const FATES: readonly Fate[] = [
  ...Array.from({ length: 16 }, () => 'now' as const),
  'late',
  'late',
  'asleep',
  'asleep',
  'lost',
  'twice',
  'meanwhile',
  'meanwhile',
];

/** Draws the fates of a step's first messages. Later messages arrive at once. */
export const fatesOf = (seed: number): readonly Fate[] => {
  const { of } = chooser(seed);
  return Array.from({ length: 7 }, () => of(FATES));
};

/** Gives all messages one fate, or several in turn. */
export const always = (...each: readonly Fate[]): readonly Fate[] =>
  Array.from({ length: 8 }, () => each).flat();

/** A sent message that may still arrive. `arrive` delivers it. */
type Sent = { readonly what: string; readonly arrive: () => void };

/**
 * All messages between accounts. A message arrives at once, late, never or twice, or another step runs while it is on its way. If it does
 * not arrive at once, its sender gets no answer, as after a timeout.
 */
export const openMessages = (
  note: (event: string) => void,
  meanwhile: () => void,
  restart: (keeper: Keeper) => void,
) => {
  const waiting: Sent[] = [];
  let fates: Fate[] = [];

  const send = <Answer>(what: string, from: Keeper, arrive: () => Answer): Answer | undefined => {
    const fate = fates.shift() ?? 'now';
    if (fate !== 'now') note(`${fate} ${what}`);
    switch (fate) {
      case 'lost':
        return undefined;
      case 'late':
        waiting.push({ what, arrive });
        return undefined;
      case 'asleep':
        waiting.push({ what, arrive });
        restart(from);
        return undefined;
      case 'twice':
        waiting.push({ what, arrive });
        return arrive();
      case 'meanwhile':
        meanwhile();
        return arrive();
      case 'now':
        return arrive();
    }
  };

  return {
    send,
    /** Sets the fates for one step. */
    withFates(next: readonly Fate[], work: () => void): void {
      const before = fates;
      fates = [...next];
      work();
      fates = before;
    },
    /** Delivers one of the waiting messages, by index. With `again`, it stays and may arrive once more. */
    deliver(which: number, again: boolean): void {
      const at = which % Math.max(1, waiting.length);
      const message = again ? waiting[at] : waiting.splice(at, 1)[0];
      if (message === undefined) return;
      note(`delivered ${message.what}`);
      message.arrive();
    },
    /** Delivers all waiting messages in the order of sending. */
    deliverAll(): void {
      while (waiting.length > 0) this.deliver(0, false);
    },
  };
};

export type Messages = ReturnType<typeof openMessages>;
