import type { Keeper } from './keeper.ts';
import type { Fate } from './fate.ts';

/** A sent message that may still arrive. Calling it delivers it. */
type Letter = { readonly what: string; readonly arrive: () => void };

/**
 * All messages between accounts. A message arrives at once, late, never or twice, or another step runs while it is on its way. The sender
 * of a message that does not arrive at once gets no answer, as after a timeout.
 */
export const openMessages = (
  note: (event: string) => void,
  meanwhile: () => void,
  restart: (keeper: Keeper) => void,
) => {
  const bag: Letter[] = [];
  let fates: Fate[] = [];

  const send = <Answer>(what: string, from: Keeper, arrive: () => Answer): Answer | undefined => {
    const fate = fates.shift() ?? 'now';
    if (fate !== 'now') note(`${fate} ${what}`);
    switch (fate) {
      case 'lost':
        return undefined;
      case 'late':
        bag.push({ what, arrive });
        return undefined;
      case 'asleep':
        bag.push({ what, arrive });
        restart(from);
        return undefined;
      case 'twice':
        bag.push({ what, arrive });
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
    /** Delivers one of the waiting messages, by index. With `again` it stays and may arrive once more. */
    deliver(which: number, again: boolean): void {
      const at = which % Math.max(1, bag.length);
      const letter = again ? bag[at] : bag.splice(at, 1)[0];
      if (letter === undefined) return;
      note(`delivered ${letter.what}`);
      letter.arrive();
    },
    /** Delivers all waiting messages in the order of sending. */
    deliverAll(): void {
      while (bag.length > 0) this.deliver(0, false);
    },
  };
};

export type Messages = ReturnType<typeof openMessages>;
